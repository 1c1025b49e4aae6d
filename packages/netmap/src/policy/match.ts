/** Whom a selector names. For flows one at a time: the plain way, to which the compiled one is held. */
import { prefixContains } from '@pcloud/ip';
import type { FlowEnd } from './flow-end.ts';
import { isInternet } from './internet.ts';
import { ownAddresses, type PolicyNode } from './node.ts';
import type { PolicySelector } from './policy.ts';
import type { Users } from './users.ts';

/** What bears names: a node, or a class of them. */
export interface Bearer {
  readonly user: string;
  readonly tags: readonly string[];
  readonly role: 'server' | 'client';
  hasId(id: string): boolean;
  /** Whether an address of its own lies in the block. */
  isWithin(block: PrefixSelector): boolean;
}

type PrefixSelector = Extract<PolicySelector, { readonly kind: 'prefix' }>;

/** Root let it in, and it belongs to nobody yet. */
export function isUnclaimed({ user, tags, role }: Pick<Bearer, 'user' | 'tags' | 'role'>): boolean {
  return user === '' && tags.length === 0 && role === 'client';
}

/** Whether it names the bearer. What only makes sense for a flow, `self` and `internet`, names none. */
export function names(selector: PolicySelector, bearer: Bearer, users: Users): boolean {
  switch (selector.kind) {
    case 'any':
      return true;
    case 'user':
      return bearer.user === selector.name;
    case 'group':
      return users.inGroup(selector.name).includes(bearer.user);
    case 'tag':
      return bearer.tags.includes(selector.name);
    case 'node': {
      const id = users.nodeId(selector.name);
      return id !== undefined && bearer.hasId(id);
    }
    case 'prefix':
      return bearer.isWithin(selector);
  }
  switch (selector.name) {
    case 'member':
      return bearer.user !== '';
    case 'admin':
    case 'owner':
      return users.atLeast(selector.name).includes(bearer.user);
    case 'tagged':
      return bearer.tags.length > 0;
    case 'unclaimed':
      return isUnclaimed(bearer);
    case 'servers':
      return bearer.role === 'server';
    case 'self':
    case 'internet':
      return false;
  }
}

/** A node as selectors see it. */
export function nodeBearer(node: PolicyNode): Bearer {
  const own = ownAddresses(node);
  return {
    user: node.user,
    tags: node.tags,
    role: node.role,
    hasId: (id) => node.id === id,
    isWithin: ({ prefix }) => own.some((address) => prefixContains(prefix, address)),
  };
}

export function namesNode(selector: PolicySelector, node: PolicyNode, users: Users): boolean {
  return names(selector, nodeBearer(node), users);
}

/** What is behind a node is not that node: only `*` and prefixes name it. */
export function isSource(selector: PolicySelector, source: FlowEnd, users: Users): boolean {
  const { bearer, behind } = source;
  if (behind === undefined) return names(selector, bearer!, users);
  return selector.kind === 'any' || (selector.kind === 'prefix' && prefixContains(selector.prefix, behind.address));
}

/** `*` is every node and every private network behind one; the internet and public networks are named. */
export function isDestination(selector: PolicySelector, source: FlowEnd, goal: FlowEnd, users: Users): boolean {
  const { bearer, behind } = goal;
  if (behind === undefined) {
    if (selector.kind !== 'autogroup' || selector.name !== 'self') return names(selector, bearer!, users);
    return source.behind === undefined && bearer!.user !== '' && source.bearer!.user === bearer!.user;
  }
  switch (selector.kind) {
    case 'any':
      return behind.isSubnet && !isInternet(behind.address);
    case 'prefix':
      return behind.isSubnet && prefixContains(selector.prefix, behind.address);
    case 'autogroup':
      return selector.name === 'internet' && behind.isExit && isInternet(behind.address);
    default:
      return false;
  }
}
