/** Inner packets, written out field by field. */
import { internetChecksum, parseAddress } from '@pcloud/ip';

export interface PacketFields {
  readonly source: string;
  readonly destination: string;
  /** Bytes with the header. Default 64. */
  readonly length?: number;
  /** TOS or traffic class. */
  readonly tos?: number;
  readonly protocol?: number;
  readonly payload?: Uint8Array;
}

/** An IPv4 or IPv6 packet, as its addresses are; by default UDP. */
export function ipPacket(fields: PacketFields): Uint8Array {
  const { length = 64, tos = 0, protocol = 17, payload = new Uint8Array(0) } = fields;
  const source = parseAddress(fields.source)!;
  const destination = parseAddress(fields.destination)!;
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  if (source.length === 4) {
    bytes.set([0x45, tos, length >> 8, length, 0, 0, 0, 0, 64, protocol]);
    bytes.set(source, 12);
    bytes.set(destination, 16);
    view.setUint16(10, internetChecksum(bytes, 0, 20));
    bytes.set(payload, 20);
  } else {
    view.setUint32(0, 0x6000_0000 | (tos << 20));
    bytes.set([(length - 40) >> 8, length - 40, protocol, 64], 4);
    bytes.set(source, 8);
    bytes.set(destination, 24);
    bytes.set(payload, 40);
  }
  return bytes;
}

/** The number that `packet` put into its payload. */
export function idOf(packet: Uint8Array): number {
  return new DataView(packet.buffer, packet.byteOffset).getUint32(20);
}
