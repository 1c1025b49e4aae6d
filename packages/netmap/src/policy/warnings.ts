import { POLICY_LIMITS } from './limits.ts';
import { type Policy, type PolicySelector, selectorsOf } from './policy.ts';
import type { PolicyProblem } from './problem.ts';
import type { PolicyFacts } from './users.ts';

/** Names of users and nodes that nobody has. Disabled users are there. */
export function warnOfNames(policy: Policy, facts: PolicyFacts): PolicyProblem[] {
  const users = new Set(facts.users.map(({ name }) => name));
  const nodes = new Set(facts.nodes?.map(({ name }) => name));
  const members = [...policy.groups.values()].flat().flatMap(({ name, ...place }): PolicyProblem[] => {
    if (users.has(name)) return [];
    return [{ ...place, code: 'MEMBER_UNKNOWN', message: `no user is called ${JSON.stringify(name)}`, value: name }];
  });
  const hosts = [...policy.hosts.values()].flatMap(({ name, ...place }): PolicyProblem[] => {
    if (!users.has(name)) return [];
    const message = 'a user is called so, too: this name means the host';
    return [{ ...place, code: 'HOST_HIDES_USER', message, value: name }];
  });
  const named = selectorsOf(policy).flatMap((selector) => unknownName(selector, users, nodes) ?? []);
  return [...members, ...hosts, ...named].slice(0, POLICY_LIMITS.PROBLEMS);
}

function unknownName(
  selector: PolicySelector,
  users: ReadonlySet<string>,
  nodes: ReadonlySet<string>,
): PolicyProblem | undefined {
  const { line, column, field } = selector;
  if (selector.kind === 'user' && !users.has(selector.name)) {
    const message = `no user and no host is called ${JSON.stringify(selector.name)}`;
    return { code: 'USER_UNKNOWN', message, line, column, field, value: selector.written };
  }
  if (selector.kind === 'node' && !nodes.has(selector.name)) {
    const message = `no node is called ${JSON.stringify(selector.name)}`;
    return { code: 'NODE_UNKNOWN', message, line, column, field, value: selector.written };
  }
  return undefined;
}
