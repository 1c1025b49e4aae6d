import { internetChecksum, pseudoHeaderSum } from './checksum.ts';
import {
  destinationAt,
  IPV4_HEADER_LENGTH,
  IPV6_HEADER_LENGTH,
  innerPacketLength,
  ipVersion,
  ipv4Fragment,
  PROTOCOL,
  readUint32,
  sourceAt,
  writeUint16,
  writeUint32,
} from './header.ts';
import { findTransport, transportOffset, transportProtocol } from './transport.ts';

/** Why a packet goes nowhere. */
export type UnreachableReason = 'no-route' | 'address' | 'port' | 'prohibited';

/** Codes of "destination unreachable": RFC 792 and RFC 1812 section 5.2.7.1 for IPv4, RFC 4443 section 3.1 for IPv6. */
const UNREACHABLE_CODES: Readonly<Record<UnreachableReason, { readonly v4: number; readonly v6: number }>> = {
  'no-route': { v4: 0, v6: 0 },
  address: { v4: 1, v6: 3 },
  port: { v4: 3, v6: 4 },
  prohibited: { v4: 13, v6: 1 },
};

const ICMP_HEADER_LENGTH = 8;
/** The longest error, bytes: RFC 1812 section 4.3.2.3, RFC 4443 section 2.4 (c). */
const IPV4_ERROR_MAX = 576;
const IPV6_ERROR_MAX = 1280;
/** RFC 1812 section 4.3.2.5: precedence 6, internetwork control. */
const IPV4_ERROR_TOS = 0xc0;
const HOP_LIMIT = 64;
const DONT_FRAGMENT = 0x4000;

/**
 * The IP packet that tells the sender of the packet of `length` bytes at `at` that it was not delivered.
 * It comes from the address that the packet was sent to, as if the tunnel ended there. Undefined where no
 * error may be sent (RFC 1122 section 3.2.2, RFC 4443 section 2.4 (e)): about an ICMP error, about a
 * fragment other than the first, from or to an address that is not one host's, about what is not IP.
 */
export function buildUnreachable(
  bytes: Uint8Array,
  at: number,
  length: number,
  reason: UnreachableReason,
): Uint8Array | undefined {
  const codes = UNREACHABLE_CODES[reason];
  if (ipVersion(bytes, at) === 4) return buildIcmpv4(bytes, at, length, codes.v4, 0);
  return buildIcmpv6(bytes, at, length, 1, codes.v6, 0);
}

/**
 * As `buildUnreachable`, that the packet is larger than `mtu` bytes: "fragmentation needed" (RFC 1191
 * section 4) or "packet too big" (RFC 4443 section 3.2). Undefined also for IPv4 that may be fragmented.
 */
export function buildPacketTooBig(bytes: Uint8Array, at: number, length: number, mtu: number): Uint8Array | undefined {
  if (ipVersion(bytes, at) !== 4) return buildIcmpv6(bytes, at, length, 2, 0, mtu);
  if ((ipv4Fragment(bytes, at) & DONT_FRAGMENT) === 0) return undefined;
  return buildIcmpv4(bytes, at, length, 4, Math.min(mtu, 0xffff));
}

/** A destination-unreachable message; `rest` is the second word of its header. */
function buildIcmpv4(
  bytes: Uint8Array,
  at: number,
  available: number,
  code: number,
  rest: number,
): Uint8Array | undefined {
  const length = innerPacketLength(bytes, at, available);
  if (length === 0 || !deservesError(bytes, at, length)) return undefined;
  const headers = IPV4_HEADER_LENGTH + ICMP_HEADER_LENGTH;
  const quoted = Math.min(length, IPV4_ERROR_MAX - headers);
  const error = new Uint8Array(headers + quoted);
  error[0] = 0x45;
  error[1] = IPV4_ERROR_TOS;
  writeUint16(error, 2, error.length);
  writeUint16(error, 6, DONT_FRAGMENT);
  error[8] = HOP_LIMIT;
  error[9] = PROTOCOL.ICMP;
  error.set(bytes.subarray(at + 16, at + 20), 12);
  error.set(bytes.subarray(at + 12, at + 16), 16);
  writeUint16(error, 10, internetChecksum(error, 0, IPV4_HEADER_LENGTH));

  error[20] = 3;
  error[21] = code;
  writeUint32(error, 24, rest);
  error.set(bytes.subarray(at, at + quoted), headers);
  writeUint16(error, 22, internetChecksum(error, 20, error.length - 20));
  return error;
}

function buildIcmpv6(
  bytes: Uint8Array,
  at: number,
  available: number,
  type: number,
  code: number,
  rest: number,
): Uint8Array | undefined {
  const length = innerPacketLength(bytes, at, available);
  if (length === 0 || !deservesError(bytes, at, length)) return undefined;
  const headers = IPV6_HEADER_LENGTH + ICMP_HEADER_LENGTH;
  const quoted = Math.min(length, IPV6_ERROR_MAX - headers);
  const error = new Uint8Array(headers + quoted);
  error[0] = 0x60;
  writeUint16(error, 4, ICMP_HEADER_LENGTH + quoted);
  error[6] = PROTOCOL.ICMPV6;
  error[7] = HOP_LIMIT;
  error.set(bytes.subarray(at + 24, at + 40), 8);
  error.set(bytes.subarray(at + 8, at + 24), 24);

  error[40] = type;
  error[41] = code;
  writeUint32(error, 44, rest);
  error.set(bytes.subarray(at, at + quoted), headers);
  const pseudo = pseudoHeaderSum(error, 0, PROTOCOL.ICMPV6, error.length - 40);
  writeUint16(error, 42, internetChecksum(error, 40, error.length - 40, pseudo));
  return error;
}

function deservesError(bytes: Uint8Array, at: number, length: number): boolean {
  const found = findTransport(bytes, at, length);
  if (found < 0 || isIcmpError(bytes, at, length, found)) return false;
  const isHost = ipVersion(bytes, at) === 4 ? isIpv4Host : isIpv6Host;
  return isHost(bytes, sourceAt(bytes, at)) && isHost(bytes, destinationAt(bytes, at));
}

/** An ICMP message cut off before its type counts as an error too. */
function isIcmpError(bytes: Uint8Array, at: number, length: number, found: number): boolean {
  const protocol = transportProtocol(found);
  const offset = transportOffset(found);
  if (protocol !== PROTOCOL.ICMP && protocol !== PROTOCOL.ICMPV6) return false;
  if (offset >= length) return true;
  const type = bytes[at + offset]!;
  // RFC 4443 section 2.1: errors are the types below 128; 137 is a redirect.
  if (protocol === PROTOCOL.ICMPV6) return type < 128 || type === 137;
  // Unreachable, source quench, redirect, time exceeded, parameter problem.
  return type === 3 || type === 4 || type === 5 || type === 11 || type === 12;
}

/** Not 0/8, 127/8, multicast, reserved or broadcast. */
function isIpv4Host(bytes: Uint8Array, at: number): boolean {
  const first = bytes[at]!;
  return first !== 0 && first !== 127 && first < 224;
}

/** Not ::, ::1 or multicast. */
function isIpv6Host(bytes: Uint8Array, at: number): boolean {
  if (bytes[at] === 0xff) return false;
  const isZeroUpToLast =
    readUint32(bytes, at) === 0 && readUint32(bytes, at + 4) === 0 && readUint32(bytes, at + 8) === 0;
  return !isZeroUpToLast || readUint32(bytes, at + 12) > 1;
}
