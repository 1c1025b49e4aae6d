import type { Policy } from './policy.ts';

/** What a policy is compiled with. Of nodes only those that it names, so that a new one costs nothing. */
export interface PolicyFacts {
  readonly users: readonly PolicyUser[];
  /** The nodes that `Policy.nodeNames` names, as far as there are such; left out where it names none. */
  readonly nodes?: readonly { readonly name: string; readonly id: string }[];
}

export interface PolicyUser {
  readonly name: string;
  readonly role: 'owner' | 'admin' | 'member';
  /** Their devices are in no map, whatever a policy says. */
  readonly disabled: boolean;
}

/** Who is who, for selectors. */
export interface Users {
  /** Undefined for a user who is disabled or whom nobody knows. */
  roleOf(name: string): PolicyUser['role'] | undefined;
  /** Names of all who are active, sorted. */
  readonly active: readonly string[];
  /** Whether a node takes part at all: its user does, or it has none. */
  isActive(node: { readonly user: string }): boolean;
  /** Whether the user may pass the ceiling over the Kubernetes API: owners and admins. */
  hasClusterRight(name: string): boolean;
  /** Users of a group, and of `autogroup:admin` and `autogroup:owner`, who are active; sorted. */
  inGroup(name: string): readonly string[];
  atLeast(role: 'admin' | 'owner'): readonly string[];
  nodeId(name: string): string | undefined;
}

export function createUsers(policy: Policy, facts: PolicyFacts): Users {
  const roles = new Map(facts.users.filter(({ disabled }) => !disabled).map(({ name, role }) => [name, role]));
  const nodeIds = new Map(facts.nodes?.map(({ name, id }) => [name, id]));
  const names = [...roles.keys()].sort();
  const groups = new Map(
    [...policy.groups].map(([group, members]) => {
      const active = members.flatMap(({ name }) => (roles.has(name) ? [name] : []));
      return [group, [...new Set(active)].sort()];
    }),
  );
  const byRole = {
    owner: names.filter((name) => roles.get(name) === 'owner'),
    admin: names.filter((name) => roles.get(name) !== 'member'),
  };
  return {
    active: names,
    roleOf: (name) => roles.get(name),
    isActive: ({ user }) => user === '' || roles.has(user),
    hasClusterRight: (name) => (roles.get(name) ?? 'member') !== 'member',
    inGroup: (name) => groups.get(name) ?? [],
    atLeast: (role) => byRole[role],
    nodeId: (name) => nodeIds.get(name),
  };
}
