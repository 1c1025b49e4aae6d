import type { DropReason } from './verdict.ts';

/** What a packet is in the eyes of the filter. */
export const KIND = {
  /** A packet of a flow: TCP, UDP, SCTP, or a protocol without ports. */
  FLOW: 0,
  ECHO_REQUEST: 1,
  ECHO_REPLY: 2,
  ICMP_ERROR: 3,
  ICMP_OTHER: 4,
} as const;

/** Which part of a packet it is. */
export const PART = { WHOLE: 0, FIRST: 1, LATER: 2 } as const;

/** TCP flags, byte 13 of its header (RFC 9293 section 3.1). */
export const TCP_FLAG = { FIN: 0x01, SYN: 0x02, RST: 0x04, ACK: 0x10 } as const;

/** What was found in a packet. One object serves any number of packets: offsets are into the bytes it lies in. */
export interface PacketView {
  isV6: boolean;
  /** Of the source and the destination address. */
  source: number;
  destination: number;
  /** What is behind all IP headers; in a fragment that is not the first 0 in IPv6, which may name another. */
  protocol: number;
  kind: number;
  /** Offset of what is behind all IP headers, and of the packet's end. */
  transport: number;
  end: number;
  /** Of TCP, UDP and SCTP; an echo's identifier in both; 0 of other protocols. */
  sourcePort: number;
  destinationPort: number;
  /** Of TCP; 0 of other protocols. */
  flags: number;
  part: number;
  /** Of a fragment: its packet's identification, where in the packet its bytes start, how many, and whether more come. */
  fragmentId: number;
  fragmentStart: number;
  fragmentBytes: number;
  hasMore: boolean;
}

/** A view to be filled in. */
export function createPacketView(): PacketView {
  return {
    isV6: false,
    source: 0,
    destination: 0,
    protocol: 0,
    kind: KIND.FLOW,
    transport: 0,
    end: 0,
    sourcePort: 0,
    destinationPort: 0,
    flags: 0,
    part: PART.WHOLE,
    fragmentId: 0,
    fragmentStart: 0,
    fragmentBytes: 0,
    hasMore: false,
  };
}

/** How reading went. */
export type ReadResult =
  | 'read'
  | Extract<DropReason, 'malformed-dropped' | 'extension-header-dropped' | 'fragment-dropped'>;
