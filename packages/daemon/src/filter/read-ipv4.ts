import {
  IPV4_HEADER_LENGTH,
  ipv4Fragment,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4TotalLength,
  readUint16,
} from '@pcloud/ip';
import { PART, type PacketView, type ReadResult } from './packet-view.ts';

const MORE_FRAGMENTS = 0x2000;
const OFFSET_MASK = 0x1fff;

/** Option types (RFC 791 section 3.1). */
const OPTION = { END: 0, NOTHING: 1, LOOSE_ROUTE: 131, STRICT_ROUTE: 137 } as const;

/** Reads the IPv4 header of the packet of `length` bytes at `at`. */
export function readIpv4(bytes: Uint8Array, at: number, length: number, view: PacketView): ReadResult {
  if (length < IPV4_HEADER_LENGTH || ipv4TotalLength(bytes, at) !== length) return 'malformed-dropped';
  const header = ipv4HeaderLength(bytes, at);
  if (header < IPV4_HEADER_LENGTH || header > length) return 'malformed-dropped';
  if (header > IPV4_HEADER_LENGTH && hasRoute(bytes, at + IPV4_HEADER_LENGTH, at + header)) {
    return 'extension-header-dropped';
  }
  view.isV6 = false;
  view.source = at + 12;
  view.destination = at + 16;
  view.protocol = ipv4Protocol(bytes, at);
  view.transport = at + header;
  const fragment = ipv4Fragment(bytes, at);
  if ((fragment & (MORE_FRAGMENTS | OFFSET_MASK)) === 0) return 'read';
  view.fragmentId = readUint16(bytes, at + 4);
  view.fragmentStart = (fragment & OFFSET_MASK) * 8;
  view.fragmentBytes = length - header;
  view.hasMore = (fragment & MORE_FRAGMENTS) !== 0;
  view.part = view.fragmentStart === 0 ? PART.FIRST : PART.LATER;
  return 'read';
}

/** A source route would take the packet where its destination does not say. What cannot be read counts as one. */
function hasRoute(bytes: Uint8Array, from: number, end: number): boolean {
  let at = from;
  while (at < end) {
    const type = bytes[at]!;
    if (type === OPTION.END) return false;
    if (type === OPTION.LOOSE_ROUTE || type === OPTION.STRICT_ROUTE) return true;
    const size = type === OPTION.NOTHING ? 1 : at + 1 < end ? bytes[at + 1]! : 0;
    if (size === 0 || (size === 1 && type !== OPTION.NOTHING) || at + size > end) return true;
    at += size;
  }
  return false;
}
