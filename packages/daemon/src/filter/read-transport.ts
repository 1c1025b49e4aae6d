import { readUint16 } from '@pcloud/ip';
import { PROTOCOLS } from './constants.ts';
import { KIND, PART, type PacketView, TCP_FLAG } from './packet-view.ts';

const TCP_HEADER_BYTES = 20;
const UDP_HEADER_BYTES = 8;
const SCTP_HEADER_BYTES = 12;
const ICMP_HEADER_BYTES = 8;

/** Types of ICMP (RFC 792) and ICMPv6 (RFC 4443) messages. */
const ICMP = { ECHO_REPLY: 0, UNREACHABLE: 3, ECHO_REQUEST: 8, TIME_EXCEEDED: 11, PARAMETER_PROBLEM: 12 } as const;
const ICMPV6 = { UNREACHABLE: 1, PARAMETER_PROBLEM: 4, ECHO_REQUEST: 128, ECHO_REPLY: 129 } as const;

/** Reads what is behind the IP headers of a packet, or of its first fragment. False when it is broken or cut off. */
export function readTransport(bytes: Uint8Array, view: PacketView): boolean {
  const { transport, protocol, isV6 } = view;
  const available = view.end - transport;
  view.kind = KIND.FLOW;
  view.sourcePort = 0;
  view.destinationPort = 0;
  view.flags = 0;
  switch (protocol) {
    case PROTOCOLS.TCP:
      if (!isTcpSound(bytes, transport, available)) return false;
      view.flags = bytes[transport + 13]!;
      break;
    case PROTOCOLS.UDP:
      if (!isUdpSound(bytes, transport, available, view.part)) return false;
      break;
    case PROTOCOLS.SCTP:
      if (available < SCTP_HEADER_BYTES) return false;
      break;
    case PROTOCOLS.ICMP:
      return !isV6 && readIcmp(bytes, view, icmpKind(bytes[transport]!));
    case PROTOCOLS.ICMPV6:
      return isV6 && readIcmp(bytes, view, icmpv6Kind(bytes[transport]!));
    default:
      return true;
  }
  view.sourcePort = readUint16(bytes, transport);
  view.destinationPort = readUint16(bytes, transport + 2);
  return true;
}

/** Whether a TCP header is whole and its flags are some that a connection can have. */
export function isTcpSound(bytes: Uint8Array, at: number, available: number): boolean {
  if (available < TCP_HEADER_BYTES) return false;
  const header = (bytes[at + 12]! >> 4) * 4;
  if (header < TCP_HEADER_BYTES || header > available) return false;
  const flags = bytes[at + 13]!;
  if ((flags & TCP_FLAG.SYN) !== 0) return (flags & (TCP_FLAG.FIN | TCP_FLAG.RST)) === 0;
  return (flags & (TCP_FLAG.RST | TCP_FLAG.ACK)) !== 0;
}

/** Whether a UDP header is whole and its length is in the packet, of which a first fragment has only a part. */
export function isUdpSound(bytes: Uint8Array, at: number, available: number, part: number): boolean {
  if (available < UDP_HEADER_BYTES) return false;
  const length = readUint16(bytes, at + 4);
  return length >= UDP_HEADER_BYTES && (length <= available || part === PART.FIRST);
}

function readIcmp(bytes: Uint8Array, view: PacketView, kind: number): boolean {
  if (view.end - view.transport < ICMP_HEADER_BYTES) return false;
  view.kind = kind;
  if (kind !== KIND.ECHO_REQUEST && kind !== KIND.ECHO_REPLY) return true;
  view.sourcePort = readUint16(bytes, view.transport + 4);
  view.destinationPort = view.sourcePort;
  return true;
}

function icmpKind(type: number): number {
  if (type === ICMP.ECHO_REQUEST) return KIND.ECHO_REQUEST;
  if (type === ICMP.ECHO_REPLY) return KIND.ECHO_REPLY;
  const isError = type === ICMP.UNREACHABLE || type === ICMP.TIME_EXCEEDED || type === ICMP.PARAMETER_PROBLEM;
  return isError ? KIND.ICMP_ERROR : KIND.ICMP_OTHER;
}

function icmpv6Kind(type: number): number {
  if (type === ICMPV6.ECHO_REQUEST) return KIND.ECHO_REQUEST;
  if (type === ICMPV6.ECHO_REPLY) return KIND.ECHO_REPLY;
  const isError = type >= ICMPV6.UNREACHABLE && type <= ICMPV6.PARAMETER_PROBLEM;
  return isError ? KIND.ICMP_ERROR : KIND.ICMP_OTHER;
}
