import { internetChecksum, pseudoHeaderSum } from './checksum.ts';
import {
  IPV4_HEADER_LENGTH,
  IPV6_HEADER_LENGTH,
  ipVersion,
  ipv4Fragment,
  ipv4HeaderLength,
  PROTOCOL,
  readUint16,
  readUint32,
  writeUint16,
  writeUint32,
} from './header.ts';
import { findPlainTransport, transportOffset, transportProtocol } from './transport.ts';

/** What a virtio-net header calls the kinds of super-packet (VIRTIO 1.3 section 5.1.6), without the ECN bit. */
export const GSO = { NONE: 0, TCPV4: 1, TCPV6: 4, UDP: 5 } as const;

/** Where, from the start of the transport header, the checksum is. */
export const TCP_CHECKSUM_OFFSET = 16;
export const UDP_CHECKSUM_OFFSET = 6;

/** Flags in byte 13 of a TCP header (RFC 9293 section 3.1). */
export const TCP_FLAG = { FIN: 0x01, PSH: 0x08, ACK: 0x10, CWR: 0x80 } as const;

const UDP_HEADER_LENGTH = 8;
const TCP_HEADER_LENGTH = 20;
const LENGTH_FIELD_MAX = 0xffff;
/** The most bytes of headers that a frame may have to be cut. */
const CUT_HEADER_MAX = 256;

/** How a frame is cut. One object serves any number of frames: `measureFrame` fills it in. */
export interface FrameShape {
  gsoType: number;
  /** Payload bytes of every segment but the last, which has what is left. */
  gsoSize: number;
  /** Bytes in front of the payload: IP header, options and extension headers, transport header; 0 when not cut. */
  headerLength: number;
  /** Where the transport header starts, from the start of the packet. */
  checksumStart: number;
  /** Where its checksum is, from the start of the transport header; 0 when no checksum is to be made. */
  checksumOffset: number;
  /** Packets that the frame becomes, ≥ 1. */
  segments: number;
}

/** A shape to be filled in. */
export function createFrameShape(): FrameShape {
  return { gsoType: GSO.NONE, gsoSize: 0, headerLength: 0, checksumStart: 0, checksumOffset: 0, segments: 1 };
}

/**
 * Works out how the packet of `length` bytes at `at` is to be cut, from the packet's own headers: what a
 * virtio header says of their lengths is not believed. A frame without segmentation is one packet without
 * a checksum to be made; a caller who has one to finish sets `checksumStart` and `checksumOffset` himself.
 * @returns whether the frame can be cut. It cannot when its type is another than in `GSO` or not the
 * packet's, the size is not in 1–65,535, a header is broken or cut off, headers are longer than 256 bytes,
 * there is no payload, it is a fragment, it is longer than its length fields can say, or in IPv6 a header
 * other than hop-by-hop and destination options is in between.
 */
export function measureFrame(
  bytes: Uint8Array,
  at: number,
  length: number,
  gsoType: number,
  gsoSize: number,
  shape: FrameShape,
): boolean {
  shape.gsoType = gsoType;
  shape.gsoSize = gsoSize;
  shape.headerLength = 0;
  shape.checksumStart = 0;
  shape.checksumOffset = 0;
  shape.segments = 1;
  if (gsoType === GSO.NONE) return true;
  if (gsoSize <= 0 || gsoSize > LENGTH_FIELD_MAX || !isCuttable(bytes, at, length, gsoType)) return false;

  const found = findPlainTransport(bytes, at, length);
  const start = transportOffset(found);
  const isUdp = gsoType === GSO.UDP;
  if (found < 0 || transportProtocol(found) !== (isUdp ? PROTOCOL.UDP : PROTOCOL.TCP)) return false;
  const transportLength = isUdp ? UDP_HEADER_LENGTH : tcpHeaderLength(bytes, at + start, length - start);
  const headerLength = start + transportLength;
  if (transportLength === 0 || headerLength >= length || headerLength > CUT_HEADER_MAX) return false;

  shape.headerLength = headerLength;
  shape.checksumStart = start;
  shape.checksumOffset = isUdp ? UDP_CHECKSUM_OFFSET : TCP_CHECKSUM_OFFSET;
  shape.segments = Math.ceil((length - headerLength) / gsoSize);
  return true;
}

/**
 * Writes one of the packets that the frame of `length` bytes at `at` of `src` becomes to `outAt` of `out`,
 * which may be the same array as long as the places do not overlap, and has room for
 * `headerLength + gsoSize` bytes (`length` when the frame is not cut).
 *
 * Each segment has the frame's headers with: the IP length; in IPv4 the identification counted up by one a
 * segment and the header checksum; in TCP the sequence number, FIN and PSH only in the last, CWR only in
 * the first; in UDP the length; the transport checksum whole.
 * @param shape as `measureFrame` filled it in for this frame
 * @param index which one, from 0
 * @returns bytes written; 0 when there is no such segment, or the place of a checksum to finish is not in the packet
 */
export function writeSegment(
  src: Uint8Array,
  at: number,
  length: number,
  shape: FrameShape,
  index: number,
  out: Uint8Array,
  outAt: number,
): number {
  if (index >= shape.segments) return 0;
  if (shape.gsoType === GSO.NONE) {
    copyBytes(src, at, length, out, outAt);
    return finishChecksum(out, outAt, length, shape.checksumStart, shape.checksumOffset) ? length : 0;
  }
  const start = index * shape.gsoSize;
  const payload = Math.min(shape.gsoSize, length - shape.headerLength - start);
  const total = shape.headerLength + payload;
  copyBytes(src, at, shape.headerLength, out, outAt);
  copyBytes(src, at + shape.headerLength + start, payload, out, outAt + shape.headerLength);

  writeIpLength(out, outAt, total, index);
  const transport = outAt + shape.checksumStart;
  const transportLength = total - shape.checksumStart;
  const isUdp = shape.gsoType === GSO.UDP;
  if (isUdp) writeUint16(out, transport + 4, transportLength);
  else writeTcpPosition(out, transport, start, index === 0, index === shape.segments - 1);
  const protocol = isUdp ? PROTOCOL.UDP : PROTOCOL.TCP;
  writeUint16(out, transport + shape.checksumOffset, pseudoHeaderSum(out, outAt, protocol, transportLength));
  finishChecksum(out, outAt, total, shape.checksumStart, shape.checksumOffset);
  return total;
}

/**
 * Finishes a checksum in the packet of `length` bytes at `at`, in place: the field holds the sum of the
 * pseudo-header (folded, not inverted), and gets the checksum of that and of everything from `start` to the
 * end. In UDP (offset 6) a result of 0 is stored as 0xffff, since 0 would mean that there is none (RFC 768).
 * @param offset from `start`; 0 when there is nothing to finish
 * @returns false, with nothing written, when the field does not lie in the packet
 */
export function finishChecksum(bytes: Uint8Array, at: number, length: number, start: number, offset: number): boolean {
  if (offset === 0) return true;
  if (start < 0 || offset < 0 || start + offset + 2 > length) return false;
  const checksum = internetChecksum(bytes, at + start, length - start);
  const stored = checksum === 0 && offset === UDP_CHECKSUM_OFFSET ? 0xffff : checksum;
  writeUint16(bytes, at + start + offset, stored);
  return true;
}

/** Sets the IP length of a packet of `total` bytes; in IPv4 adds to the identification and remakes the header checksum. */
export function writeIpLength(bytes: Uint8Array, at: number, total: number, idIncrement: number): void {
  if (ipVersion(bytes, at) !== 4) {
    writeUint16(bytes, at + 4, total - IPV6_HEADER_LENGTH);
    return;
  }
  writeUint16(bytes, at + 2, total);
  writeUint16(bytes, at + 4, (readUint16(bytes, at + 4) + idIncrement) & 0xffff);
  writeUint16(bytes, at + 10, 0);
  writeUint16(bytes, at + 10, internetChecksum(bytes, at, ipv4HeaderLength(bytes, at)));
}

/** Bytes of the TCP header with options, or 0 when it is broken or does not fit `available` bytes. */
export function tcpHeaderLength(bytes: Uint8Array, at: number, available: number): number {
  if (available < TCP_HEADER_LENGTH) return 0;
  const length = (bytes[at + 12]! >> 4) * 4;
  return length >= TCP_HEADER_LENGTH && length <= available ? length : 0;
}

function isCuttable(bytes: Uint8Array, at: number, length: number, gsoType: number): boolean {
  const version = ipVersion(bytes, at);
  const fitsType = version === 4 ? gsoType !== GSO.TCPV6 : version === 6 && gsoType !== GSO.TCPV4;
  const isKnown = gsoType === GSO.TCPV4 || gsoType === GSO.TCPV6 || gsoType === GSO.UDP;
  if (!fitsType || !isKnown) return false;
  if (version === 6) return length >= IPV6_HEADER_LENGTH && length <= LENGTH_FIELD_MAX + IPV6_HEADER_LENGTH;
  const isFragment = (ipv4Fragment(bytes, at) & 0x3fff) !== 0;
  return length >= IPV4_HEADER_LENGTH && length <= LENGTH_FIELD_MAX && !isFragment;
}

function writeTcpPosition(bytes: Uint8Array, at: number, start: number, isFirst: boolean, isLast: boolean): void {
  writeUint32(bytes, at + 4, readUint32(bytes, at + 4) + start);
  if (!isFirst) bytes[at + 13] = bytes[at + 13]! & ~TCP_FLAG.CWR;
  if (!isLast) bytes[at + 13] = bytes[at + 13]! & ~(TCP_FLAG.FIN | TCP_FLAG.PSH);
}

function copyBytes(src: Uint8Array, at: number, length: number, out: Uint8Array, outAt: number): void {
  if (src === out) out.copyWithin(outAt, at, at + length);
  else out.set(src.subarray(at, at + length), outAt);
}
