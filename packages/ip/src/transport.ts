import {
  IPV4_HEADER_LENGTH,
  IPV6_HEADER_LENGTH,
  ipVersion,
  ipv4Fragment,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv6NextHeader,
  readUint16,
} from './header.ts';

/** IPv6 extension headers (RFC 8200 section 4, RFC 4302, RFC 6275, RFC 7401, RFC 5533). */
const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const AUTHENTICATION = 51;
const DESTINATION_OPTIONS = 60;
const MOBILITY = 135;
const HOST_IDENTITY = 139;
const SHIM6 = 140;

/**
 * Finds the transport header of the IP packet of `length` bytes at `at`, past IPv4 options and IPv6
 * extension headers. One number, so that it costs no allocation: `transportProtocol` and
 * `transportOffset` take it apart. -1 when there is none: a fragment other than the first, a header
 * that is broken or runs past the end, not IP.
 */
export function findTransport(bytes: Uint8Array, at: number, length: number): number {
  return findPast(isExtension, bytes, at, length);
}

/**
 * As `findTransport`, but of IPv6 extension headers only hop-by-hop and destination options are stepped
 * over, and any other is what is found: with those alone the transport checksum covers the addresses of
 * the IP header, and the packet can be cut into several.
 */
export function findPlainTransport(bytes: Uint8Array, at: number, length: number): number {
  return findPast(isOptions, bytes, at, length);
}

/** The protocol that `findTransport` found: 6 TCP, 17 UDP, 58 ICMPv6, 59 nothing follows, … */
export function transportProtocol(found: number): number {
  return found & 0xff;
}

/** Where `findTransport` found it, bytes from the start of the packet; at most the packet's length. */
export function transportOffset(found: number): number {
  return found >> 8;
}

function findPast(steps: (protocol: number) => boolean, bytes: Uint8Array, at: number, length: number): number {
  const version = ipVersion(bytes, at);
  if (version === 4 && length >= IPV4_HEADER_LENGTH) return findInIpv4(bytes, at, length);
  if (version === 6 && length >= IPV6_HEADER_LENGTH) return findInIpv6(steps, bytes, at, length);
  return -1;
}

function findInIpv4(bytes: Uint8Array, at: number, length: number): number {
  const header = ipv4HeaderLength(bytes, at);
  const isLaterFragment = (ipv4Fragment(bytes, at) & 0x1fff) !== 0;
  if (header < IPV4_HEADER_LENGTH || header > length || isLaterFragment) return -1;
  return (header << 8) | ipv4Protocol(bytes, at);
}

function findInIpv6(steps: (protocol: number) => boolean, bytes: Uint8Array, at: number, length: number): number {
  let protocol = ipv6NextHeader(bytes, at);
  let offset = IPV6_HEADER_LENGTH;
  while (steps(protocol)) {
    if (offset + 8 > length) return -1;
    if (protocol === FRAGMENT && (readUint16(bytes, at + offset + 2) & 0xfff8) !== 0) return -1;
    const size = extensionLength(protocol, bytes[at + offset + 1]!);
    protocol = bytes[at + offset]!;
    offset += size;
  }
  return offset <= length ? (offset << 8) | protocol : -1;
}

function isExtension(protocol: number): boolean {
  switch (protocol) {
    case HOP_BY_HOP:
    case ROUTING:
    case FRAGMENT:
    case AUTHENTICATION:
    case DESTINATION_OPTIONS:
    case MOBILITY:
    case HOST_IDENTITY:
    case SHIM6:
      return true;
    default:
      return false;
  }
}

function isOptions(protocol: number): boolean {
  return protocol === HOP_BY_HOP || protocol === DESTINATION_OPTIONS;
}

function extensionLength(protocol: number, units: number): number {
  if (protocol === FRAGMENT) return 8;
  // RFC 4302 section 2.2: in 32-bit words, minus 2.
  return protocol === AUTHENTICATION ? (units + 2) * 4 : (units + 1) * 8;
}
