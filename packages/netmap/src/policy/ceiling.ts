import { type FilterRule, USUAL_PROTOCOLS } from './filter-rule.ts';
import { CEILING } from './fixed-rules.ts';
import { commonPorts, withoutPorts } from './ports.ts';
import { withClusterRight } from './senders.ts';
import type { Users } from './users.ts';

/** Without the ports that are closed whatever a policy says; those that are open to some users, to these only. */
export function underCeiling(rule: FilterRule, users: Users): FilterRule[] {
  const protocols = rule.protocols.length === 0 ? USUAL_PROTOCOLS : rule.protocols;
  const above = CEILING.filter(
    ({ protocol, ports }) => protocols.includes(protocol) && commonPorts(rule.ports, ports).length > 0,
  );
  if (above.length === 0) return [rule];
  const capped = new Set(above.map(({ protocol }) => protocol));
  const rest = protocols.filter((protocol) => !capped.has(protocol));
  return [
    ...(rest.length > 0 ? [{ ...rule, protocols: rest }] : []),
    ...[...capped].map((protocol) => {
      const closed = above.filter((each) => each.protocol === protocol).map(({ ports }) => ports);
      return { ...rule, protocols: [protocol], ports: withoutPorts(rule.ports, closed) };
    }),
    ...above
      .filter(({ isOpenToUsers }) => isOpenToUsers)
      .map(({ protocol, ports }) => ({
        ...rule,
        from: withClusterRight(rule.from, users),
        protocols: [protocol],
        ports: commonPorts(rule.ports, ports),
      })),
  ];
}
