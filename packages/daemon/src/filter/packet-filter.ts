import type { FilterRule } from '@pcloud/netmap';
import { FLOW_LIMITS, type FlowLimits, RESUME_WINDOW } from './constants.ts';
import { Flows } from './flows.ts';
import { createInboundJudge } from './judge-inbound.ts';
import { createOutboundJudge } from './judge-outbound.ts';
import { LastPacket } from './last-packet.ts';
import { createPacketView } from './packet-view.ts';
import { readPacket } from './read-packet.ts';
import { createRuleBook, type FilterSelf, type FilterSlot } from './rule-book.ts';
import { createFilterCounters, type FilterCounter, type Verdict } from './verdict.ts';

/**
 * Decides which packets of peers come in, by rules and by what this device has opened itself. Everything that
 * is its own may go out; what it sends opens the way for answers. Before the first rules nobody is let in.
 */
export interface PacketFilter {
  /**
   * Replaces rules, addresses and peers. Flows that the rules no longer let in, or whose node or addresses are
   * gone, end at once. Call in the same turn in which the device's peers change: a peer that is given a slot
   * that another one had must never be taken for it.
   * @returns ids of nodes that had such flows
   */
  setRules(rules: readonly FilterRule[], self: FilterSelf, peers: Iterable<FilterSlot>, now: number): readonly string[];
  /**
   * Judges the packet of `length` bytes at `at` that came from a peer, or, of `outbound`, goes to one. A
   * super-packet is one packet. Reads the bytes only meanwhile, changes none and allocates nothing.
   * @param peer `Peer.endpointSlot`
   */
  inbound(peer: number, bytes: Uint8Array, at: number, length: number, now: number): Verdict;
  outbound(peer: number, bytes: Uint8Array, at: number, length: number, now: number): Verdict;
  /** Flows that are remembered. */
  readonly flows: number;
  /** Drops and other events by name; ever growing. */
  readonly counters: Readonly<Record<FilterCounter, number>>;
}

export interface PacketFilterOptions {
  /** When it starts: connections of before are taken up for some minutes. */
  readonly now: number;
  /** Any 32-bit number that nobody else knows. */
  readonly seed: number;
  readonly limits?: FlowLimits;
}

export function createPacketFilter(options: PacketFilterOptions): PacketFilter {
  const counters = createFilterCounters();
  const flows = new Flows(options.limits ?? FLOW_LIMITS, options.seed, counters);
  const view = createPacketView();
  const last = new LastPacket();
  const book = createRuleBook({ flows, counters });
  const deps = { flows, book, view, resumeUntil: options.now + RESUME_WINDOW };
  const judgeInbound = createInboundJudge(deps);
  const judgeOutbound = createOutboundJudge(deps);

  function judge(
    peer: number,
    fromRemote: boolean,
    bytes: Uint8Array,
    at: number,
    length: number,
    now: number,
  ): Verdict {
    const known = last.recall(peer, fromRemote, bytes, at, length, now);
    if (known !== undefined) return known;
    last.forget();
    const node = book.nodeOf(peer);
    if (node === undefined) return 'unknown-peer-dropped';
    const read = readPacket(bytes, at, length, view);
    if (read !== 'read') return read;
    const verdict = fromRemote ? judgeInbound(node, bytes, now) : judgeOutbound(node, bytes, now);
    last.keep(peer, fromRemote, bytes, at, view, now, verdict);
    return verdict;
  }

  function count(verdict: Verdict): Verdict {
    if (verdict !== 'pass') counters[verdict]++;
    return verdict;
  }

  return {
    counters,
    get flows() {
      return flows.table.size;
    },
    setRules(rules, self, peers, now) {
      last.forget();
      return book.replace(rules, self, peers, now);
    },
    inbound: (peer, bytes, at, length, now) => count(judge(peer, true, bytes, at, length, now)),
    outbound: (peer, bytes, at, length, now) => count(judge(peer, false, bytes, at, length, now)),
  };
}
