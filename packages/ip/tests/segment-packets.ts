import { ipv4, ipv6, type PacketOptions, transportChecksum } from './packets.ts';

/** TCP and UDP packets for tests, with right checksums. */
export interface TransportOptions extends PacketOptions {
  readonly family?: 4 | 6;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
}

export interface TcpOptions extends TransportOptions {
  readonly sequence?: number;
  readonly acknowledgement?: number;
  readonly flags?: number;
  readonly window?: number;
  readonly urgent?: number;
  /** Four-byte multiple. */
  readonly tcpOptions?: readonly number[];
}

const u16 = (value: number): number[] => [(value >> 8) & 0xff, value & 0xff];
const u32 = (value: number): number[] => [...u16(value >>> 16), ...u16(value & 0xffff)];

export function transportStart(options: TransportOptions): number {
  return ((options.family ?? 4) === 4 ? 20 : 40) + (options.options?.length ?? 0);
}

function build(options: TransportOptions, protocol: number, transport: readonly number[]): Uint8Array {
  const fields = { protocol, ...options, payload: transport };
  return (options.family ?? 4) === 4 ? ipv4(fields) : ipv6(fields);
}

export function tcp(options: TcpOptions = {}): Uint8Array {
  const extra = options.tcpOptions ?? [];
  const packet = build(options, 6, [
    ...u16(options.sourcePort ?? 1000),
    ...u16(options.destinationPort ?? 2000),
    ...u32(options.sequence ?? 0),
    ...u32(options.acknowledgement ?? 0),
    (5 + extra.length / 4) << 4,
    options.flags ?? 0x10,
    ...u16(options.window ?? 500),
    0,
    0,
    ...u16(options.urgent ?? 0),
    ...extra,
    ...(options.payload ?? []),
  ]);
  return storeChecksum(packet, transportStart(options), 6, 16);
}

export function udp(options: TransportOptions = {}): Uint8Array {
  const payload = Array.from(options.payload ?? []);
  const packet = build(options, 17, [
    ...u16(options.sourcePort ?? 1000),
    ...u16(options.destinationPort ?? 2000),
    ...u16(8 + payload.length),
    0,
    0,
    ...payload,
  ]);
  return storeChecksum(packet, transportStart(options), 17, 6);
}

/** Makes the checksum whole; RFC 768: a UDP checksum of 0 is written as all ones. */
export function storeChecksum(packet: Uint8Array, start: number, protocol: number, offset: number): Uint8Array {
  packet[start + offset] = 0;
  packet[start + offset + 1] = 0;
  const checksum = transportChecksum(packet, start, protocol);
  const stored = protocol === 17 && checksum === 0 ? 0xffff : checksum;
  packet[start + offset] = stored >> 8;
  packet[start + offset + 1] = stored & 0xff;
  return packet;
}

/** `length` bytes that differ from place to place. */
export function pattern(length: number, from = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => ((from + i) * 7 + ((from + i) >> 8)) & 0xff);
}
