import { parsePrefix, prefixContains } from '@pcloud/ip';
import type { CompiledPolicy } from './compile.ts';
import { namesNode } from './match.ts';
import type { PolicyNode } from './node.ts';

/** Whether a node's route, within a range of `autoApprovers.routes`, needs nobody's word. Not for exit routes. */
export function approvesRoute({ policy, users }: CompiledPolicy, node: PolicyNode, route: string): boolean {
  const prefix = parsePrefix(route);
  if (prefix === undefined || prefix.length === 0 || !users.isActive(node)) return false;
  return policy.routeApprovers.some(
    (range) =>
      range.prefix.length <= prefix.length &&
      prefixContains(range.prefix, prefix.address) &&
      range.approvers.some((selector) => namesNode(selector, node, users)),
  );
}

/** Whether a node may be an exit node without anybody's word: `autoApprovers.exitNode`. */
export function approvesExit({ policy, users }: CompiledPolicy, node: PolicyNode): boolean {
  return users.isActive(node) && policy.exitApprovers.some((selector) => namesNode(selector, node, users));
}

/**
 * Whether a user may give a device this tag (`tag:` left out): its owners, and for a tag that `tagOwners` does
 * not have, admins and owners of the network.
 */
export function mayTag({ policy, users }: CompiledPolicy, user: string, tag: string): boolean {
  const role = users.roleOf(user);
  if (role === undefined) return false;
  const owners = policy.tagOwners.get(tag);
  if (owners === undefined) return role !== 'member';
  const device: PolicyNode = { id: '', name: '', user, tags: [], role: 'client', addresses: [], routes: [] };
  return owners.some((selector) => namesNode(selector, device, users));
}
