import { decide, type Verdict } from './decide.ts';
import { filterFor } from './filter.ts';
import type { FilterRule } from './filter-rule.ts';
import type { BehindNode, PolicyNode } from './node.ts';
import { classOf, singledOut } from './node-class.ts';
import type { Policy } from './policy.ts';
import type { PolicyProblem } from './problem.ts';
import { type ClassReach, createReach, groupsSee, sees } from './reach.ts';
import { createUsers, type PolicyFacts, type Users } from './users.ts';
import { warnOfNames } from './warnings.ts';

/** A policy with the users it is about. Nothing here changes: other users or other text make another. */
export interface CompiledPolicy {
  readonly policy: Policy;
  readonly users: Users;
  /** Names that nobody has. They allow nothing, and disturb nothing else. */
  readonly warnings: readonly PolicyProblem[];
  /** Nodes of one class have the same rights, and are the same to others. Of this policy only. */
  classOf(node: PolicyNode): string;
  /** Whether nodes of these classes are in each other's maps: one may begin a flow to the other. */
  sees(a: string, b: string): boolean;
  /** The user of a class; empty for none. */
  userOf(className: string): string;
  /** Classes of one group see the same, and are seen by the same, but for classes of their own user. */
  groupOf(className: string): string;
  /** Whether classes of these groups see each other, whoever their users are. Of what `groupOf` gave. */
  groupsSee(a: string, b: string): boolean;
  /** What a receiver of this class lets in, from nodes that it sees; the same object each time. */
  filterFor(className: string): readonly FilterRule[];
  /**
   * Whether a flow may begin, and why: walks the rules plainly. `dst` as text is an address behind some node.
   * @param protocol IP protocol number
   * @param port destination port; 0 where there is none
   */
  decide(src: PolicyNode | BehindNode, dst: PolicyNode | BehindNode | string, protocol: number, port: number): Verdict;
}

export function compilePolicy(policy: Policy, facts: PolicyFacts): CompiledPolicy {
  const users = createUsers(policy, facts);
  const singled = singledOut(policy, users);
  const reachOf = createReach(policy, users);
  const groups = new Map<string, ClassReach>();
  const filters = new Map<string, readonly FilterRule[]>();
  return {
    policy,
    users,
    warnings: warnOfNames(policy, facts),
    classOf: (node) => classOf(node, singled),
    sees: (a, b) => sees(reachOf(a), reachOf(b)),
    userOf: (className) => reachOf(className).nodeClass.user,
    groupOf(className) {
      const reach = reachOf(className);
      groups.set(reach.group, reach);
      return reach.group;
    },
    groupsSee: (a, b) => groupsSee(groups.get(a)!, groups.get(b)!),
    filterFor(className) {
      let filter = filters.get(className);
      if (filter === undefined) {
        filter = filterFor(policy, users, reachOf(className).nodeClass);
        filters.set(className, filter);
      }
      return filter;
    },
    decide: (src, dst, protocol, port) => decide(policy, users, src, dst, protocol, port),
  };
}
