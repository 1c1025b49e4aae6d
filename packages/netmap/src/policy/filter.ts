/** What receivers of a class let in, worked out of the rules. */
import { underCeiling } from './ceiling.ts';
import { type FilterRule, type FilterSelector, FLOOR_RULE } from './filter-rule.ts';
import { FLOOR } from './fixed-rules.ts';
import { formatPrefixes, internetPrefixes, intersection, localParts } from './internet.ts';
import { type Bearer, names } from './match.ts';
import { exitFamilies, subnetsOf } from './node.ts';
import { classBearer, type NodeClass } from './node-class.ts';
import type { Policy, PolicyRule, PolicySelector } from './policy.ts';
import { joinPorts, type PortRange } from './ports.ts';
import { isSelf } from './reach.ts';
import { sendersOf, userSelector } from './senders.ts';
import type { Users } from './users.ts';

/** In the order of the rules, the floor first. */
export function filterFor(policy: Policy, users: Users, nodeClass: NodeClass): FilterRule[] {
  if (!users.isActive(nodeClass)) return [];
  const bearer = classBearer(nodeClass);
  const rules = policy.rules.flatMap((rule, index) => {
    const senders = sendersOf(rule.src, users);
    const make = (
      ports: readonly PortRange[],
      from: readonly FilterSelector[],
      to?: readonly string[],
    ): FilterRule => ({
      from,
      ...(to === undefined ? {} : { to }),
      protocols: rule.protocols,
      ports,
      rule: index,
    });
    const own = [
      make(ownPorts(rule, bearer, users), senders),
      make(selfPorts(rule), selfSenders(rule, nodeClass, users)),
    ];
    const isServer = nodeClass.role === 'server';
    return [
      ...(isServer ? own.flatMap((each) => underCeiling(each, users)) : own),
      ...rule.dst.map(({ selector, ports }) => make(ports, senders, partsBehind(selector, nodeClass))),
    ];
  });
  return [...floorOf(nodeClass), ...rules.filter(admitsAny)];
}

function floorOf({ role }: NodeClass): FilterRule[] {
  if (role !== 'server') return [];
  return FLOOR.map(({ from, protocols, ports }) => ({ from: [from], protocols, ports, rule: FLOOR_RULE }));
}

function ownPorts(rule: PolicyRule, bearer: Bearer, users: Users): PortRange[] {
  return joinPorts(rule.dst.flatMap(({ selector, ports }) => (names(selector, bearer, users) ? ports : [])));
}

function selfPorts(rule: PolicyRule): PortRange[] {
  return joinPorts(rule.dst.flatMap(({ selector, ports }) => (isSelf(selector) ? ports : [])));
}

/** The receiver's own user, if the rule is for that user. */
function selfSenders(rule: PolicyRule, { user }: NodeClass, users: Users): readonly FilterSelector[] {
  if (user === '') return [];
  const own = userSelector(user);
  return sendersOf(rule.src, users).some((sender) => sender === own || sender === '*' || sender === 'user:*')
    ? [own]
    : [];
}

/** What of a selector is behind the receiver: as `isDestination` of a flow. */
function partsBehind(selector: PolicySelector, nodeClass: NodeClass): string[] {
  const subnets = subnetsOf(nodeClass);
  if (selector.kind === 'any') return formatPrefixes(subnets.flatMap(localParts));
  if (selector.kind === 'prefix') {
    return formatPrefixes(subnets.flatMap((route) => intersection(route, selector.prefix) ?? []));
  }
  if (selector.kind !== 'autogroup' || selector.name !== 'internet') return [];
  return formatPrefixes(exitFamilies(nodeClass).flatMap(internetPrefixes));
}

function admitsAny({ from, to, ports }: FilterRule): boolean {
  return from.length > 0 && ports.length > 0 && (to === undefined || to.length > 0);
}
