/** Why a packet goes no further. */
export type DropReason =
  /** No node of the network is behind the peer. */
  | 'unknown-peer-dropped'
  /** A length that is wrong, a header that is cut off, TCP flags that no connection has. */
  | 'malformed-dropped'
  /** A header of IPv6, or an option of IPv4, that is not known or asks for a route of its own. */
  | 'extension-header-dropped'
  /** A fragment that overlaps, is too small, or came without the first. */
  | 'fragment-dropped'
  /** The source is not the sender's own address nor one that it forwards for, or it is ours. */
  | 'source-dropped'
  /** The destination is neither an address of this node, nor one that it forwards for. */
  | 'destination-dropped'
  /** An ICMP message that nobody asked for. */
  | 'icmp-dropped'
  /** No rule lets it in. */
  | 'policy-dropped'
  /** It belongs to a flow that the policy has ended. */
  | 'cut-dropped';

/** What becomes of a packet. */
export type Verdict = 'pass' | DropReason;

/** Counters of a filter. Drops are packets, of which a super-packet is one. */
export type FilterCounter = DropReason | 'flows-opened' | 'flows-evicted' | 'flows-cut';

/** Every counter of a filter, at zero. */
export function createFilterCounters(): Record<FilterCounter, number> {
  return {
    'unknown-peer-dropped': 0,
    'malformed-dropped': 0,
    'extension-header-dropped': 0,
    'fragment-dropped': 0,
    'source-dropped': 0,
    'destination-dropped': 0,
    'icmp-dropped': 0,
    'policy-dropped': 0,
    'cut-dropped': 0,
    'flows-opened': 0,
    'flows-evicted': 0,
    'flows-cut': 0,
  };
}
