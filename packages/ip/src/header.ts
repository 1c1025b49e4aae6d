import { updateChecksum } from './checksum.ts';

/**
 * Fields of the IP packet at `at`, read in place. A reader believes that the fixed header is there, which
 * `innerPacketLength` establishes; past the end of the array it reads zeros and never throws.
 */

/** IP protocol numbers. */
export const PROTOCOL = { ICMP: 1, TCP: 6, UDP: 17, ICMPV6: 58 } as const;

/** Bytes of an IPv4 header without options, and of the IPv6 header. */
export const IPV4_HEADER_LENGTH = 20;
export const IPV6_HEADER_LENGTH = 40;

/**
 * True length in bytes of the IP packet in `available` bytes, which may end in padding; 0 when it is no
 * packet: IPv4 total length in [20, available], IPv6 payload length + 40 ≤ available.
 */
export function innerPacketLength(bytes: Uint8Array, at: number, available: number): number {
  if (available < IPV4_HEADER_LENGTH) return 0;
  const version = ipVersion(bytes, at);
  if (version === 4) {
    const length = ipv4TotalLength(bytes, at);
    return length >= IPV4_HEADER_LENGTH && length <= available ? length : 0;
  }
  if (version !== 6 || available < IPV6_HEADER_LENGTH) return 0;
  const length = IPV6_HEADER_LENGTH + ipv6PayloadLength(bytes, at);
  return length <= available ? length : 0;
}

/** 4 or 6; any other value is not IP. */
export function ipVersion(bytes: Uint8Array, at: number): number {
  return bytes[at]! >> 4;
}

/** IPv4 total length, bytes. */
export function ipv4TotalLength(bytes: Uint8Array, at: number): number {
  return readUint16(bytes, at + 2);
}

/** IPv4 header length with options, 0–60 bytes; below 20 the header is broken. */
export function ipv4HeaderLength(bytes: Uint8Array, at: number): number {
  return (bytes[at]! & 0x0f) * 4;
}

/** IPv4 protocol. */
export function ipv4Protocol(bytes: Uint8Array, at: number): number {
  return bytes[at + 9]! | 0;
}

/** IPv4 flags and fragment offset, 16 bits. */
export function ipv4Fragment(bytes: Uint8Array, at: number): number {
  return readUint16(bytes, at + 6);
}

/** IPv6 payload length, bytes after the fixed header. The packet is 40 longer, which may not fit 16 bits. */
export function ipv6PayloadLength(bytes: Uint8Array, at: number): number {
  return readUint16(bytes, at + 4);
}

/** IPv6 next header of the fixed header. */
export function ipv6NextHeader(bytes: Uint8Array, at: number): number {
  return bytes[at + 6]! | 0;
}

/** Offset in `bytes` of the source address. */
export function sourceAt(bytes: Uint8Array, at: number): number {
  return at + (ipVersion(bytes, at) === 4 ? 12 : 8);
}

/** Offset in `bytes` of the destination address. */
export function destinationAt(bytes: Uint8Array, at: number): number {
  return at + (ipVersion(bytes, at) === 4 ? 16 : 24);
}

/** Bytes of an address of this packet: 4 or 16. */
export function addressLengthOf(bytes: Uint8Array, at: number): 4 | 16 {
  return ipVersion(bytes, at) === 4 ? 4 : 16;
}

/** The TOS (IPv4) or traffic class (IPv6) byte. */
export function readTos(bytes: Uint8Array, at: number): number {
  if (ipVersion(bytes, at) === 4) return bytes[at + 1]! | 0;
  return ((bytes[at]! & 0x0f) << 4) | (bytes[at + 1]! >> 4);
}

/** Sets the two ECN bits, and in IPv4 brings the header checksum up to date. */
export function writeEcn(bytes: Uint8Array, at: number, ecn: number): void {
  if (ipVersion(bytes, at) !== 4) {
    bytes[at + 1] = (bytes[at + 1]! & 0xcf) | ((ecn & 3) << 4);
    return;
  }
  const before = readUint16(bytes, at);
  const after = (before & ~3) | (ecn & 3);
  if (before === after) return;
  bytes[at + 1] = after & 0xff;
  writeUint16(bytes, at + 10, updateChecksum(readUint16(bytes, at + 10), before, after));
}

/** A big-endian 16-bit word; 0 past the end. */
export function readUint16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

/** Writes a big-endian 16-bit word. */
export function writeUint16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8;
  bytes[at + 1] = value;
}

/** A big-endian 32-bit word, unsigned; 0 past the end. */
export function readUint32(bytes: Uint8Array, at: number): number {
  return ((readUint16(bytes, at) << 16) | readUint16(bytes, at + 2)) >>> 0;
}

/** Writes a big-endian 32-bit word. */
export function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  writeUint16(bytes, at, value >>> 16);
  writeUint16(bytes, at + 2, value & 0xffff);
}
