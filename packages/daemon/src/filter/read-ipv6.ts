import { IPV6_HEADER_LENGTH, ipv6NextHeader, ipv6PayloadLength, readUint16, readUint32 } from '@pcloud/ip';
import { EXTENSION_HEADERS } from './constants.ts';
import { PART, type PacketView, type ReadResult } from './packet-view.ts';

/** Extension headers (RFC 8200 section 4, RFC 6275, RFC 7401, RFC 5533, RFC 4727). */
const HEADER = {
  HOP_BY_HOP: 0,
  ROUTING: 43,
  FRAGMENT: 44,
  DESTINATION_OPTIONS: 60,
  MOBILITY: 135,
  HOST_IDENTITY: 139,
  SHIM6: 140,
  EXPERIMENT_1: 253,
  EXPERIMENT_2: 254,
} as const;

/** Reads the IPv6 header of the packet of `length` bytes at `at`, and the extension headers up to what they carry. */
export function readIpv6(bytes: Uint8Array, at: number, length: number, view: PacketView): ReadResult {
  if (length < IPV6_HEADER_LENGTH || ipv6PayloadLength(bytes, at) + IPV6_HEADER_LENGTH !== length) {
    return 'malformed-dropped';
  }
  view.isV6 = true;
  view.source = at + 8;
  view.destination = at + 24;
  const end = at + length;
  let protocol = ipv6NextHeader(bytes, at);
  let offset = at + IPV6_HEADER_LENGTH;
  let isFragment = false;
  for (let walked = 0; isExtension(protocol); walked++) {
    const isKnown =
      protocol === HEADER.DESTINATION_OPTIONS ||
      (protocol === HEADER.HOP_BY_HOP && walked === 0) ||
      (protocol === HEADER.FRAGMENT && !isFragment);
    if (!isKnown || walked === EXTENSION_HEADERS) return 'extension-header-dropped';
    const fault = isFragment ? 'fragment-dropped' : 'malformed-dropped';
    if (offset + 8 > end) return fault;
    const next = bytes[offset]! | 0;
    if (protocol === HEADER.FRAGMENT) {
      isFragment = true;
      readFragment(bytes, offset, end, view);
      offset += 8;
      if (view.part === PART.LATER) {
        view.protocol = 0;
        view.transport = offset;
        return 'read';
      }
    } else {
      offset += (bytes[offset + 1]! + 1) * 8;
      if (offset > end) return fault;
    }
    protocol = next;
  }
  view.protocol = protocol;
  view.transport = offset;
  return 'read';
}

function readFragment(bytes: Uint8Array, at: number, end: number, view: PacketView): void {
  const word = readUint16(bytes, at + 2);
  view.hasMore = (word & 1) !== 0;
  view.fragmentStart = word & 0xfff8;
  view.fragmentBytes = end - at - 8;
  view.fragmentId = readUint32(bytes, at + 4) | 0;
  if (view.fragmentStart !== 0) view.part = PART.LATER;
  // One that is the whole packet is a packet (RFC 6946).
  else if (view.hasMore) view.part = PART.FIRST;
}

function isExtension(protocol: number): boolean {
  switch (protocol) {
    case HEADER.HOP_BY_HOP:
    case HEADER.ROUTING:
    case HEADER.FRAGMENT:
    case HEADER.DESTINATION_OPTIONS:
    case HEADER.MOBILITY:
    case HEADER.HOST_IDENTITY:
    case HEADER.SHIM6:
    case HEADER.EXPERIMENT_1:
    case HEADER.EXPERIMENT_2:
      return true;
    default:
      return false;
  }
}
