/** What a receiver lets in: the form in which a policy reaches nodes, in their maps and the maps' hashes. */
import { type Prefix, parseAddress, parsePrefix, prefixContains } from '@pcloud/ip';
import { hasPorts, includesPort, type PortRange } from './ports.ts';

/**
 * Who sends. `*` is everybody and what is behind them; `user:*` a node that has a user, `tag:*` one that has
 * tags. These and `user:`, `tag:`, `node:` and `role:` are about a node, so they take only what it sends from
 * its own addresses. A prefix names the nodes with an address in it (then also for their addresses of the
 * other family), and sources in it that are behind a node, in its subnet routes.
 */
export type FilterSelector =
  | '*'
  | 'role:server'
  /** A client without user and tags. */
  | 'unclaimed'
  | `user:${string}`
  | `tag:${string}`
  /** By id. */
  | `node:${string}`
  /** Canonical: `10.0.0.9/32`. */
  | `${string}/${number}`;

/** What may begin a flow. Canonical: lists are sorted, and equal rules are equal bytes in canonical JSON. */
export interface FilterRule {
  readonly from: readonly FilterSelector[];
  /** Destinations behind the receiver, within what it forwards. Left out: its own addresses, all of them. */
  readonly to?: readonly string[];
  /** IP protocol numbers; empty: `USUAL_PROTOCOLS`. */
  readonly protocols: readonly number[];
  /** Looked at for TCP, UDP and SCTP only. */
  readonly ports: readonly PortRange[];
  /** Index of the policy's rule; `FLOOR_RULE` for what no policy can take away. */
  readonly rule: number;
}

/** In `FilterRule.rule`: it is of the floor. */
export const FLOOR_RULE = -1;

/** The protocols of a rule that names none: ICMP, TCP, UDP, ICMPv6 and SCTP. */
export const USUAL_PROTOCOLS: readonly number[] = [1, 6, 17, 58, 132];

/** The sender of a packet as its receiver knows it. */
export interface FilterPeer {
  readonly id: string;
  readonly user: string;
  readonly tags: readonly string[];
  readonly role: 'server' | 'client';
  readonly addresses: readonly string[];
}

/** The first packet of a flow. Its source is one of the peer's own addresses or in one of its subnet routes. */
export interface FilterPacket {
  readonly peer: FilterPeer;
  readonly source: string;
  readonly destination: string;
  /** IP protocol number. */
  readonly protocol: number;
  /** Destination port; 0 where there is none. */
  readonly port: number;
}

/**
 * The rule that lets a packet in, or undefined: the meaning of `FilterRule`, written to be read. What filters
 * packets does the same faster.
 * @param own the receiver's addresses
 */
export function admittingRule(
  rules: readonly FilterRule[],
  own: readonly string[],
  packet: FilterPacket,
): FilterRule | undefined {
  return rules.find(
    (rule) =>
      rule.from.some((selector) => isSender(selector, packet)) &&
      isDestination(rule, own, packet.destination) &&
      (rule.protocols.length === 0 ? USUAL_PROTOCOLS : rule.protocols).includes(packet.protocol) &&
      (!hasPorts(packet.protocol) || includesPort(rule.ports, packet.port)),
  );
}

function isSender(selector: FilterSelector, { peer, source }: FilterPacket): boolean {
  if (selector === '*') return true;
  const isOwn = peer.addresses.includes(source);
  if (selector === 'role:server') return isOwn && peer.role === 'server';
  if (selector === 'unclaimed') return isOwn && peer.user === '' && peer.tags.length === 0 && peer.role === 'client';
  if (selector === 'user:*') return isOwn && peer.user !== '';
  if (selector === 'tag:*') return isOwn && peer.tags.length > 0;
  if (selector.startsWith('user:')) return isOwn && peer.user === selector.slice(5);
  if (selector.startsWith('tag:')) return isOwn && peer.tags.includes(selector.slice(4));
  if (selector.startsWith('node:')) return isOwn && peer.id === selector.slice(5);
  return (isOwn ? peer.addresses : [source]).some((address) => isWithin(selector, address));
}

function isDestination(rule: FilterRule, own: readonly string[], destination: string): boolean {
  if (rule.to === undefined) return own.includes(destination);
  return !own.includes(destination) && rule.to.some((prefix) => isWithin(prefix, destination));
}

function isWithin(prefix: string, address: string): boolean {
  const block: Prefix | undefined = parsePrefix(prefix);
  const bytes = parseAddress(address);
  return block !== undefined && bytes !== undefined && prefixContains(block, bytes);
}
