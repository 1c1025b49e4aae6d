import { parseAddress } from '@pcloud/ip';
import type { FilterPeer } from '@pcloud/netmap';
import { Fragments } from './fragments.ts';
import { createPrefixList, type PrefixList } from './prefix-list.ts';

/** Who is behind a peer, as the policy sees it. */
export interface FilterNode extends FilterPeer {
  /** Prefixes behind it that this device accepts from it. */
  readonly routes?: readonly string[];
}

/** A rule from one node's side: from which sources it lets packets in. */
export interface Grant {
  readonly rule: CompiledRule;
  /** From its own addresses. */
  readonly own: boolean;
  /** From all that are behind it, or from those in a list. */
  readonly routed: boolean;
  readonly from: PrefixList;
}

/** A rule, read once. */
export interface CompiledRule {
  /** Selectors that are no prefixes. */
  readonly selectors: ReadonlySet<string>;
  readonly from: PrefixList;
  /** Undefined: this node's own addresses. */
  readonly to: PrefixList | undefined;
  readonly protocols: ReadonlySet<number>;
  /** First and last, in pairs. */
  readonly ports: readonly number[];
}

/** What the filter knows of a node. What follows from its attributes is worked out when its first packet comes. */
export class NodeState {
  /** Its place among the nodes, for as long as it is one. */
  readonly number: number;
  facts: FilterNode;
  readonly fragments: Fragments = new Fragments();
  addresses: PrefixList = createPrefixList([]);
  routes: PrefixList = createPrefixList([]);
  grants: readonly Grant[] = [];
  private isReady = false;

  constructor(number: number, facts: FilterNode) {
    this.number = number;
    this.facts = facts;
  }

  /** Its attributes or the rules may have changed. */
  replace(facts: FilterNode): void {
    this.facts = facts;
    this.isReady = false;
  }

  prepare(rules: readonly CompiledRule[]): void {
    if (this.isReady) return;
    this.isReady = true;
    this.addresses = createPrefixList(this.facts.addresses);
    this.routes = createPrefixList(this.facts.routes ?? []);
    this.grants = grantsOf(rules, this.facts);
  }

  /** Whether packets from the address may come from it. */
  owns(bytes: Uint8Array, at: number, isV6: boolean): boolean {
    return this.addresses.has(bytes, at, isV6) || this.routes.has(bytes, at, isV6);
  }
}

function grantsOf(rules: readonly CompiledRule[], node: FilterNode): Grant[] {
  const names = [`node:${node.id}`, ...node.tags.map((tag) => `tag:${tag}`)];
  if (node.tags.length > 0) names.push('tag:*');
  if (node.user !== '') names.push(`user:${node.user}`, 'user:*');
  if (node.role === 'server') names.push('role:server');
  else if (node.user === '' && node.tags.length === 0) names.push('unclaimed');
  const addresses = node.addresses.map(parseAddress).filter((address) => address !== undefined);
  const grants: Grant[] = [];
  for (const rule of rules) {
    const routed = rule.selectors.has('*');
    const isNamed = routed || names.some((name) => rule.selectors.has(name));
    // A prefix that has one of its addresses names it, whichever it sends from.
    const own = isNamed || addresses.some((address) => rule.from.has(address, 0, address.length === 16));
    if (own || !rule.from.isEmpty) grants.push({ rule, own, routed, from: rule.from });
  }
  return grants;
}
