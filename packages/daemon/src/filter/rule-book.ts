import type { FilterRule } from '@pcloud/netmap';
import type { Flows } from './flows.ts';
import { createFlowJudge } from './judge-flow.ts';
import { type CompiledRule, type FilterNode, NodeState } from './node.ts';
import { createPrefixList } from './prefix-list.ts';
import { compileRules } from './rules.ts';
import type { FilterCounter } from './verdict.ts';

/** This device. */
export interface FilterSelf {
  readonly addresses: readonly string[];
  /** Prefixes that it forwards for. */
  readonly forwards: readonly string[];
}

/** Who is behind a peer of the WireGuard device. */
export interface FilterSlot {
  /** `Peer.endpointSlot`. */
  readonly peer: number;
  readonly node: FilterNode;
}

/** The rules in force, and whom they are about. */
export interface RuleBook {
  /** Who is behind a peer, with what the rules grant; undefined for nobody. */
  nodeOf(peer: number): NodeState | undefined;
  /** Whether the address at an offset is this device's own, or one that it forwards for. */
  isOwn(bytes: Uint8Array, at: number, isV6: boolean): boolean;
  isForwarded(bytes: Uint8Array, at: number, isV6: boolean): boolean;
  /** Ends what is no longer granted; ids of nodes that had such flows. */
  replace(rules: readonly FilterRule[], self: FilterSelf, peers: Iterable<FilterSlot>, now: number): string[];
}

export interface RuleBookDeps {
  readonly flows: Flows;
  readonly counters: Record<FilterCounter, number>;
}

/** A book of no rules and no nodes. */
export function createRuleBook({ flows, counters }: RuleBookDeps): RuleBook {
  let rules: readonly CompiledRule[] = [];
  let addresses = createPrefixList([]);
  let forwards = createPrefixList([]);
  let nodes = new Map<string, NodeState>();
  let peers: (NodeState | undefined)[] = [];
  const freeNumbers: number[] = [];
  let nextNumber = 0;

  const book: RuleBook = {
    nodeOf(peer) {
      const node = peers[peer];
      node?.prepare(rules);
      return node;
    },
    isOwn: (bytes, at, isV6) => addresses.has(bytes, at, isV6),
    isForwarded: (bytes, at, isV6) => forwards.has(bytes, at, isV6),
    replace(nextRules, self, nextPeers, now) {
      rules = compileRules(nextRules);
      addresses = createPrefixList(self.addresses);
      forwards = createPrefixList(self.forwards);
      const list = [...nextPeers];
      const cut = removeNodes(new Set(list.map(({ node }) => node.id)), now);
      peers = [];
      for (const { peer, node } of list) peers[peer] = place(node);
      for (const [id, node] of nodes) if (recheck(node, now) > 0) cut.push(id);
      return cut;
    },
  };
  const judgeFlow = createFlowJudge(flows, book);

  function removeNodes(kept: ReadonlySet<string>, now: number): string[] {
    const cut: string[] = [];
    const stay = new Map<string, NodeState>();
    for (const [id, node] of nodes) {
      if (kept.has(id)) {
        stay.set(id, node);
        continue;
      }
      let ended = 0;
      flows.table.each(node.number, now, (flow) => {
        flows.table.remove(flow);
        ended++;
      });
      counters['flows-cut'] += ended;
      if (ended > 0) cut.push(id);
      freeNumbers.push(node.number);
    }
    nodes = stay;
    return cut;
  }

  function place(facts: FilterNode): NodeState {
    const known = nodes.get(facts.id);
    if (known !== undefined) {
      known.replace(facts);
      return known;
    }
    const node = new NodeState(freeNumbers.pop() ?? nextNumber++, facts);
    nodes.set(facts.id, node);
    return node;
  }

  /** How many of its flows end. */
  function recheck(node: NodeState, now: number): number {
    node.fragments.clear();
    if (flows.table.countOf(node.number) === 0) return 0;
    node.prepare(rules);
    let ended = 0;
    flows.table.each(node.number, now, (flow) => {
      if (judgeFlow(node, flow, now)) ended++;
    });
    counters['flows-cut'] += ended;
    return ended;
  }

  return book;
}
