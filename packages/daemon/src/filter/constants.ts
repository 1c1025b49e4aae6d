/** IP protocol numbers that the filter knows more of than their number. */
export const PROTOCOLS = { ICMP: 1, IPV4: 4, TCP: 6, UDP: 17, IPV6: 41, GRE: 47, ICMPV6: 58, SCTP: 132 } as const;

/** For how long a flow is remembered after its last packet. Milliseconds. */
export const FLOW_TIMEOUT = {
  /** A TCP connection that is opening, or that one side has closed: RFC 5382 REQ-5. */
  TCP_TRANSITORY: 240_000,
  /** An open one, which may be silent for days: Linux' nf_conntrack_tcp_timeout_established. */
  TCP_ESTABLISHED: 432_000_000,
  /** One that was reset: Linux' nf_conntrack_tcp_timeout_close. */
  TCP_RESET: 10_000,
  /** UDP and SCTP without an answer yet, and with one: RFC 4787 REQ-5, the least and the recommended. */
  UNANSWERED: 120_000,
  ANSWERED: 300_000,
  /** ICMP echo: RFC 5508 REQ-2. */
  ECHO: 60_000,
  /** Any other protocol: Linux' nf_conntrack_generic_timeout. */
  OTHER: 600_000,
  /** One that the policy ended: for as long it is not taken for a new one. Not below RESUME_WINDOW. */
  CUT: 300_000,
} as const;

/**
 * For how long after its start the filter takes TCP connections that it has not seen open for ones of before:
 * a daemon that is restarted costs nobody a connection. Milliseconds.
 */
export const RESUME_WINDOW = 300_000;

/** The first port that Linux gives to a client: net.ipv4.ip_local_port_range. Those of IANA are above it too. */
export const FIRST_CLIENT_PORT = 32_768;

/** For how long fragments of a packet are let in after its first. Milliseconds: Linux' net.ipv4.ipfrag_time. */
export const FRAGMENT_TIME = 30_000;

/** Fragmented packets of one node that are remembered. */
export const FRAGMENTED_PACKETS = 32;

/** Extension headers of one IPv6 packet. */
export const EXTENSION_HEADERS = 8;

/** How many flows are remembered. */
export interface FlowLimits {
  /** With one node. */
  readonly perNode: number;
  /** With all nodes together. */
  readonly total: number;
}

export const FLOW_LIMITS: FlowLimits = { perNode: 4_096, total: 65_536 };
