import { USUAL_PROTOCOLS } from './filter-rule.ts';
import { type CeilingRule, ceilingOver, FLOOR } from './fixed-rules.ts';
import { type FlowEnd, flowEnd } from './flow-end.ts';
import { isDestination, isSource } from './match.ts';
import type { BehindNode, PolicyNode } from './node.ts';
import type { Policy, PolicyRule } from './policy.ts';
import { hasPorts, includesPort } from './ports.ts';
import { namesUsers } from './read-selector.ts';
import type { Users } from './users.ts';

export interface Verdict {
  readonly allowed: boolean;
  /**
   * `default`: no rule allows it. `disabled`: an end belongs to a user who is disabled or gone, and takes no
   * part. `unknown`: an end is no address, or its node has no route there.
   */
  readonly because: 'rule' | 'floor' | 'ceiling' | 'default' | 'disabled' | 'unknown';
  /** Index of the first rule that allows it, or would but for the ceiling. */
  readonly rule?: number;
  /** Where that rule stands, from 1. */
  readonly line?: number;
  /** What the floor or the ceiling is for. */
  readonly what?: string;
}

/** Whether a flow may begin: walks the rules, and looks at one flow only. */
export function decide(
  policy: Policy,
  users: Users,
  src: PolicyNode | BehindNode,
  dst: PolicyNode | BehindNode | string,
  protocol: number,
  port: number,
): Verdict {
  const source = flowEnd(src);
  const goal = flowEnd(dst);
  if (source === undefined || goal === undefined || !maySend(source) || !isRouted(goal)) {
    return { allowed: false, because: 'unknown' };
  }
  for (const { bearer } of [source, goal]) {
    if (bearer !== undefined && !users.isActive(bearer)) return { allowed: false, because: 'disabled' };
  }
  const isServer = goal.behind === undefined && goal.bearer?.role === 'server';
  const floor = isServer ? floorUnder(source, protocol, port) : undefined;
  if (floor !== undefined) return { allowed: true, because: 'floor', what: floor };
  const ceiling = isServer ? ceilingOver(protocol, port) : undefined;
  const allows = (rule: PolicyRule, isNarrow: boolean): boolean =>
    isOfTraffic(rule, protocol) &&
    rule.src.some((selector) => isSource(selector, source, users) && (!isNarrow || mayName(selector))) &&
    rule.dst.some(
      ({ selector, ports }) => isOfPort(ports, protocol, port) && isDestination(selector, source, goal, users),
    );
  const passes = ceiling === undefined || passesCeiling(ceiling, source, users);
  const admitting = passes ? policy.rules.findIndex((rule) => allows(rule, ceiling !== undefined)) : -1;
  if (admitting >= 0) return { allowed: true, because: 'rule', ...ruleAt(policy, admitting) };
  if (ceiling === undefined) return { allowed: false, because: 'default' };
  const stopped = policy.rules.findIndex((rule) => allows(rule, false));
  const rule = stopped < 0 ? {} : ruleAt(policy, stopped);
  return { allowed: false, because: 'ceiling', ...rule, what: ceiling.what };
}

/** Nothing that comes from the internet through an exit node begins a flow. */
function maySend({ behind }: FlowEnd): boolean {
  return behind === undefined || behind.isSubnet;
}

function isRouted({ behind }: FlowEnd): boolean {
  return behind === undefined || behind.isSubnet || behind.isExit;
}

function floorUnder(source: FlowEnd, protocol: number, port: number): string | undefined {
  const isFromServer = source.behind === undefined && source.bearer?.role === 'server';
  return FLOOR.find(
    (rule) =>
      (rule.from === '*' || isFromServer) && rule.protocols.includes(protocol) && isOfPort(rule.ports, protocol, port),
  )?.what;
}

/** Only a user passes, and only by a rule that names users: who has an address today says nothing of its owner. */
function passesCeiling(ceiling: CeilingRule, source: FlowEnd, users: Users): boolean {
  if (!ceiling.isOpenToUsers || source.behind !== undefined || source.bearer === undefined) return false;
  return users.hasClusterRight(source.bearer.user);
}

function mayName(selector: PolicyRule['src'][number]): boolean {
  return selector.kind === 'any' || namesUsers(selector);
}

function isOfTraffic(rule: PolicyRule, protocol: number): boolean {
  return (rule.protocols.length === 0 ? USUAL_PROTOCOLS : rule.protocols).includes(protocol);
}

function isOfPort(ports: PolicyRule['dst'][number]['ports'], protocol: number, port: number): boolean {
  return !hasPorts(protocol) || includesPort(ports, port);
}

function ruleAt(policy: Policy, rule: number): { readonly rule: number; readonly line: number } {
  return { rule, line: policy.rules[rule]!.line };
}
