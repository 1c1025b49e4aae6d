import { type Prefix, prefixContains } from '@pcloud/ip';
import { canonicalJson } from '../canonical-json.ts';
import { formatPrefixes } from './internet.ts';
import type { Bearer } from './match.ts';
import { ownAddresses, type PolicyNode, routesOf } from './node.ts';
import { type Policy, selectorsOf } from './policy.ts';
import type { Users } from './users.ts';

/** All that a policy can tell a node by. Nodes of one class have the same rights and are the same to others. */
export interface NodeClass {
  readonly user: string;
  readonly tags: readonly string[];
  readonly role: 'server' | 'client';
  /** Only of a node that the policy names by `node:`. */
  readonly id?: string;
  /** Prefixes of the policy that one of its own addresses is in. */
  readonly prefixes: readonly string[];
  /** What it forwards for. */
  readonly routes: readonly string[];
}

/** The prefixes and nodes that some selector singles out. */
export interface Singled {
  readonly prefixes: readonly Prefix[];
  readonly ids: ReadonlySet<string>;
}

export function singledOut(policy: Policy, users: Users): Singled {
  const prefixes = new Map(
    selectorsOf(policy).flatMap((each) => (each.kind === 'prefix' ? [[each.text, each.prefix] as const] : [])),
  );
  const ids = new Set([...policy.nodeNames].flatMap((name) => users.nodeId(name) ?? []));
  return { prefixes: [...prefixes.values()], ids };
}

/** The class as text: canonical JSON of a `NodeClass`. */
export function classOf(node: PolicyNode, singled: Singled): string {
  const own = ownAddresses(node);
  const prefixes = singled.prefixes.filter((prefix) => own.some((address) => prefixContains(prefix, address)));
  const nodeClass: NodeClass = {
    user: node.user,
    tags: [...new Set(node.tags)].sort(),
    role: node.role,
    ...(singled.ids.has(node.id) ? { id: node.id } : {}),
    prefixes: formatPrefixes(prefixes),
    routes: formatPrefixes(routesOf(node)),
  };
  return canonicalJson(nodeClass);
}

/** A class as selectors see it. */
export function classBearer(nodeClass: NodeClass): Bearer {
  return {
    ...nodeClass,
    hasId: (id) => nodeClass.id === id,
    isWithin: ({ text }) => nodeClass.prefixes.includes(text),
  };
}
