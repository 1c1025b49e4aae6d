import {
  findTransport,
  IPV4_HEADER_LENGTH,
  IPV6_HEADER_LENGTH,
  ipVersion,
  readUint16,
  transportOffset,
  transportProtocol,
} from '@pcloud/ip';
import { PROTOCOLS } from './constants.ts';
import { KIND, PART, type PacketView } from './packet-view.ts';

/** What every protocol with ports and ICMP echo have in the first bytes, which an error quotes (RFC 792). */
const QUOTED_BYTES = 8;
const ICMP_HEADER_BYTES = 8;

/**
 * Reads into `quoted` what an ICMP error says of the packet that it is about, which is cut off anywhere behind
 * its first eight bytes. False when the error cannot be about a packet of a flow: it is one of several fragments
 * itself, quotes a later fragment, another error or another family, or goes to somebody else than the sender.
 */
export function readQuoted(bytes: Uint8Array, error: PacketView, quoted: PacketView): boolean {
  if (error.part !== PART.WHOLE) return false;
  const at = error.transport + ICMP_HEADER_BYTES;
  const length = error.end - at;
  if (length < (error.isV6 ? IPV6_HEADER_LENGTH : IPV4_HEADER_LENGTH)) return false;
  if (ipVersion(bytes, at) !== (error.isV6 ? 6 : 4)) return false;
  const found = findTransport(bytes, at, length);
  if (found < 0 || transportOffset(found) + QUOTED_BYTES > length) return false;
  quoted.isV6 = error.isV6;
  quoted.source = at + (error.isV6 ? 8 : 12);
  quoted.destination = at + (error.isV6 ? 24 : 16);
  quoted.protocol = transportProtocol(found);
  quoted.transport = at + transportOffset(found);
  quoted.end = error.end;
  quoted.part = PART.WHOLE;
  quoted.flags = 0;
  return isSame(bytes, quoted.source, error.destination, error.isV6 ? 16 : 4) && readPorts(bytes, quoted);
}

function readPorts(bytes: Uint8Array, quoted: PacketView): boolean {
  const { protocol, transport, isV6 } = quoted;
  quoted.kind = KIND.FLOW;
  quoted.sourcePort = 0;
  quoted.destinationPort = 0;
  if (protocol === PROTOCOLS.TCP || protocol === PROTOCOLS.UDP || protocol === PROTOCOLS.SCTP) {
    quoted.sourcePort = readUint16(bytes, transport);
    quoted.destinationPort = readUint16(bytes, transport + 2);
  } else if (protocol === (isV6 ? PROTOCOLS.ICMPV6 : PROTOCOLS.ICMP)) {
    const type = bytes[transport]!;
    if (type === (isV6 ? 128 : 8)) quoted.kind = KIND.ECHO_REQUEST;
    else if (type === (isV6 ? 129 : 0)) quoted.kind = KIND.ECHO_REPLY;
    else return false;
    quoted.sourcePort = readUint16(bytes, transport + 4);
    quoted.destinationPort = quoted.sourcePort;
  }
  return true;
}

function isSame(bytes: Uint8Array, a: number, b: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[a + i] !== bytes[b + i]) return false;
  return true;
}
