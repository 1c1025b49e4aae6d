import { type Batch, DATAGRAM, FRAME, LAYOUT, REGIONS } from '@pcloud/wireguard';

/** Where the UDP slot of a message starts in the slab. */
export function udpSlotOffset(slot: number): number {
  return REGIONS.UDP + slot * LAYOUT.UDP_SLOT_BYTES;
}

/** Where the packet of a TUN slot starts in the slab. */
export function tunSlotOffset(slot: number): number {
  return REGIONS.TUN + slot * LAYOUT.TUN_SLOT_BYTES + LAYOUT.TUN_HEADROOM;
}

/** Fills in the descriptor of a datagram whose bytes are in the slab already. */
export function describeDatagram(
  batch: Batch,
  index: number,
  offset: number,
  length: number,
  source: number,
  tos: number,
): void {
  const { bytes, datagrams } = batch;
  const at = index * DATAGRAM.WORDS;
  datagrams[at + DATAGRAM.OFFSET] = offset;
  datagrams[at + DATAGRAM.LENGTH] = length;
  datagrams[at + DATAGRAM.TYPE] = length >= 4 ? readWord(bytes, offset) : 0;
  datagrams[at + DATAGRAM.RECEIVER] = length >= 8 ? readWord(bytes, offset + 4) : 0;
  datagrams[at + DATAGRAM.COUNTER_LOW] = length >= 16 ? readWord(bytes, offset + 8) : 0;
  datagrams[at + DATAGRAM.COUNTER_HIGH] = length >= 16 ? readWord(bytes, offset + 12) : 0;
  datagrams[at + DATAGRAM.SOURCE] = source;
  datagrams[at + DATAGRAM.TOS] = tos;
  datagrams[at + DATAGRAM.KEY] = -1;
  datagrams[at + DATAGRAM.OPENED] = -1;
  datagrams[at + DATAGRAM.DELIVER] = 0;
}

/** Fills in the descriptor of one whole packet, its checksums finished. */
export function describePacket(batch: Batch, index: number, offset: number, length: number): void {
  const { frames } = batch;
  const at = index * FRAME.WORDS;
  frames.fill(0, at, at + FRAME.WORDS);
  frames[at + FRAME.OFFSET] = offset;
  frames[at + FRAME.LENGTH] = length;
  frames[at + FRAME.SEGMENTS] = 1;
  frames[at + FRAME.KEY] = -1;
}

function readWord(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}
