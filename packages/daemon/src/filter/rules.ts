import { type FilterRule, hasPorts, USUAL_PROTOCOLS } from '@pcloud/netmap';
import type { CompiledRule, NodeState } from './node.ts';
import { createPrefixList } from './prefix-list.ts';

/** Reads rules for many packets. */
export function compileRules(rules: readonly FilterRule[]): CompiledRule[] {
  return rules.map(({ from, to, protocols, ports }) => ({
    selectors: new Set<string>(from),
    from: createPrefixList(from),
    to: to === undefined ? undefined : createPrefixList(to),
    protocols: new Set(protocols.length === 0 ? USUAL_PROTOCOLS : protocols),
    ports: ports.flat(),
  }));
}

/**
 * Whether a rule lets the node's packet in, to an address of this device's own or to one that it forwards for:
 * `admittingRule`, for many packets. Offsets of addresses are into the bytes.
 */
export function isGranted(
  node: NodeState,
  isOwn: boolean,
  bytes: Uint8Array,
  isV6: boolean,
  protocol: number,
  source: number,
  destination: number,
  destinationPort: number,
): boolean {
  const { grants } = node;
  const isSender = node.addresses.has(bytes, source, isV6);
  for (let i = 0; i < grants.length; i++) {
    const { rule, own, routed, from } = grants[i]!;
    if (!rule.protocols.has(protocol)) continue;
    if (hasPorts(protocol) && !hasPort(rule.ports, destinationPort)) continue;
    if (isOwn ? rule.to !== undefined : rule.to === undefined || !rule.to.has(bytes, destination, isV6)) continue;
    if (isSender ? own : routed || from.has(bytes, source, isV6)) return true;
  }
  return false;
}

function hasPort(ports: readonly number[], port: number): boolean {
  for (let i = 0; i < ports.length; i += 2) if (port >= ports[i]! && port <= ports[i + 1]!) return true;
  return false;
}
