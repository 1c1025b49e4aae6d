import { addBytes, foldSum, pseudoHeaderSum } from './checksum.ts';
import {
  IPV4_HEADER_LENGTH,
  IPV6_HEADER_LENGTH,
  ipVersion,
  ipv4Fragment,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4TotalLength,
  ipv6NextHeader,
  ipv6PayloadLength,
  PROTOCOL,
  readUint16,
  readUint32,
} from './header.ts';
import { TCP_FLAG, tcpHeaderLength } from './segment.ts';

/** What `classify` found out about a packet; one object serves all. */
export interface Candidate {
  /** Whether its flow (addresses, protocol, ports) can be read: TCP or UDP, no fragment, no IP options or extension headers. */
  hasFlow: boolean;
  /** Whether it may be one of several in a super-packet. */
  isMergeable: boolean;
  isUdp: boolean;
  /** Bytes of IP header. */
  transport: number;
  /** Bytes of IP and transport header. */
  headerLength: number;
  /** Bytes behind the headers. */
  payload: number;
}

/** A candidate to be filled in. */
export function createCandidate(): Candidate {
  return { hasFlow: false, isMergeable: false, isUdp: false, transport: 0, headerLength: 0, payload: 0 };
}

/**
 * Looks at one packet by itself. Mergeable is: a flow that can be read; IP length and UDP length exactly
 * the packet's; some payload; right checksums (IPv4 header, TCP, UDP, and a UDP one there); TCP flags ACK, or ACK
 * and PSH, and no other, nor a reserved bit.
 */
export function classify(bytes: Uint8Array, at: number, length: number, candidate: Candidate): void {
  candidate.hasFlow = false;
  candidate.isMergeable = false;
  const version = ipVersion(bytes, at);
  const transport =
    version === 4 ? ipv4Transport(bytes, at, length) : version === 6 ? ipv6Transport(bytes, at, length) : 0;
  if (transport === 0) return;
  const protocol = version === 4 ? ipv4Protocol(bytes, at) : ipv6NextHeader(bytes, at);
  const isUdp = protocol === PROTOCOL.UDP;
  if (!isUdp && protocol !== PROTOCOL.TCP) return;
  const available = length - transport;
  const header = isUdp ? (available >= 8 ? 8 : 0) : tcpHeaderLength(bytes, at + transport, available);
  if (header === 0) return;

  candidate.hasFlow = true;
  candidate.isUdp = isUdp;
  candidate.transport = transport;
  candidate.headerLength = transport + header;
  candidate.payload = available - header;
  const isPlain = isUdp ? isPlainUdp(bytes, at + transport, available) : isPlainTcp(bytes, at + transport);
  candidate.isMergeable =
    isPlain && candidate.payload > 0 && hasRightChecksums(bytes, at, transport, protocol, available);
}

/** Whether two packets that have a flow have the same one. */
export function sameFlow(bytes: Uint8Array, a: number, b: number): boolean {
  if (ipVersion(bytes, a) !== ipVersion(bytes, b)) return false;
  // Addresses and ports stand next to each other where there are no options.
  if (ipVersion(bytes, a) === 4) return bytes[a + 9] === bytes[b + 9] && sameBytes(bytes, a + 12, b + 12, 12);
  return bytes[a + 6] === bytes[b + 6] && sameBytes(bytes, a + 8, b + 8, 36);
}

/**
 * Whether mergeable packet `b` could follow `a` in a super-packet, `count` packets of `size` payload bytes
 * after it: same flow, same headers but for what a cut makes anew.
 */
export function isContinuation(
  bytes: Uint8Array,
  a: number,
  b: number,
  candidate: Candidate,
  count: number,
  size: number,
): boolean {
  if (!sameIpHeader(bytes, a, b, count)) return false;
  return candidate.isUdp || sameTcpHeader(bytes, a + candidate.transport, b, candidate, count * size);
}

function ipv4Transport(bytes: Uint8Array, at: number, length: number): number {
  if (length < IPV4_HEADER_LENGTH || ipv4TotalLength(bytes, at) !== length) return 0;
  const isFragment = (ipv4Fragment(bytes, at) & 0x3fff) !== 0;
  return ipv4HeaderLength(bytes, at) === IPV4_HEADER_LENGTH && !isFragment ? IPV4_HEADER_LENGTH : 0;
}

function ipv6Transport(bytes: Uint8Array, at: number, length: number): number {
  const isWhole = length >= IPV6_HEADER_LENGTH && ipv6PayloadLength(bytes, at) === length - IPV6_HEADER_LENGTH;
  return isWhole ? IPV6_HEADER_LENGTH : 0;
}

function isPlainUdp(bytes: Uint8Array, udp: number, available: number): boolean {
  return readUint16(bytes, udp + 4) === available && readUint16(bytes, udp + 6) !== 0;
}

function isPlainTcp(bytes: Uint8Array, tcp: number): boolean {
  return (bytes[tcp + 12]! & 0x0f) === 0 && (bytes[tcp + 13]! & ~TCP_FLAG.PSH) === TCP_FLAG.ACK;
}

function hasRightChecksums(
  bytes: Uint8Array,
  at: number,
  transport: number,
  protocol: number,
  length: number,
): boolean {
  const isV4 = transport === IPV4_HEADER_LENGTH;
  if (isV4 && foldSum(addBytes(0, bytes, at, IPV4_HEADER_LENGTH)) !== 0xffff) return false;
  return foldSum(addBytes(pseudoHeaderSum(bytes, at, protocol, length), bytes, at + transport, length)) === 0xffff;
}

/**
 * TOS or traffic class, flow label, TTL or hop limit, and IPv4 flags. The identification goes up by one a
 * packet, unless both may not be fragmented: then it means nothing (RFC 6864 section 4.1), and many
 * senders leave it at 0.
 */
function sameIpHeader(bytes: Uint8Array, a: number, b: number, count: number): boolean {
  if (ipVersion(bytes, a) === 6) return readUint32(bytes, a) === readUint32(bytes, b) && bytes[a + 7] === bytes[b + 7];
  if (bytes[a + 1] !== bytes[b + 1] || bytes[a + 8] !== bytes[b + 8]) return false;
  if (ipv4Fragment(bytes, a) !== ipv4Fragment(bytes, b)) return false;
  const isAtomic = (ipv4Fragment(bytes, a) & 0x4000) !== 0;
  return isAtomic || ((readUint16(bytes, a + 4) + count) & 0xffff) === readUint16(bytes, b + 4);
}

/** Next sequence number; same acknowledgement, header length, window, urgent pointer and options. */
function sameTcpHeader(bytes: Uint8Array, tcp: number, b: number, candidate: Candidate, sent: number): boolean {
  const other = b + candidate.transport;
  if ((readUint32(bytes, tcp + 4) + sent) >>> 0 !== readUint32(bytes, other + 4)) return false;
  if (!sameBytes(bytes, tcp + 8, other + 8, 5) || !sameBytes(bytes, tcp + 14, other + 14, 2)) return false;
  return sameBytes(bytes, tcp + 18, other + 18, candidate.headerLength - candidate.transport - 18);
}

function sameBytes(bytes: Uint8Array, a: number, b: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[a + i] !== bytes[b + i]) return false;
  return true;
}
