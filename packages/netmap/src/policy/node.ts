import { type Prefix, parseAddress, parsePrefix, prefixContains } from '@pcloud/ip';

/** What a policy looks at in a node. */
export interface PolicyNode {
  readonly id: string;
  readonly name: string;
  /** Name of the user who owns it; empty for a node that belongs to its tags. */
  readonly user: string;
  /** `tag:` left out. */
  readonly tags: readonly string[];
  readonly role: 'server' | 'client';
  /** IPv4 and IPv6 of the mesh, without prefix length. */
  readonly addresses: readonly string[];
  /** Prefixes it forwards for, those that were approved; one of length 0 makes it an exit node. */
  readonly routes: readonly string[];
}

/** A host behind a node, in one of its routes. */
export interface BehindNode {
  readonly via: PolicyNode;
  readonly address: string;
}

/** One end of a flow as the rules see it. */
export interface FlowEnd {
  /** Undefined for an address behind a router that nobody named. */
  readonly node: PolicyNode | undefined;
  /** Undefined: one of the node's own addresses. */
  readonly behind:
    | {
        readonly address: Uint8Array;
        /** Whether a subnet route leads there, and whether an exit node's does. */
        readonly isSubnet: boolean;
        readonly isExit: boolean;
      }
    | undefined;
}

/** Undefined for a text that is no address. A bare address is taken for one that routes of both kinds lead to. */
export function flowEnd(end: PolicyNode | BehindNode | string): FlowEnd | undefined {
  if (typeof end === 'string') {
    const address = parseAddress(end);
    return address && { node: undefined, behind: { address, isSubnet: true, isExit: true } };
  }
  if (!('via' in end)) return { node: end, behind: undefined };
  const address = parseAddress(end.address);
  if (address === undefined) return undefined;
  if (ownAddresses(end.via).some((own) => own.join() === address.join())) return { node: end.via, behind: undefined };
  const routes = routesOf(end.via).filter((route) => prefixContains(route, address));
  const isExit = routes.some((route) => route.length === 0);
  return { node: end.via, behind: { address, isSubnet: routes.some((route) => route.length > 0), isExit } };
}

export function ownAddresses(node: PolicyNode): Uint8Array[] {
  return node.addresses.flatMap((text) => parseAddress(text) ?? []);
}

/** Routes into networks behind it, and not to the internet as an exit node. */
export function subnetsOf(node: { readonly routes: readonly string[] }): Prefix[] {
  return routesOf(node).filter((route) => route.length > 0);
}

/** Families that it is an exit node for, as bytes of an address: 4 and 16. */
export function exitFamilies(node: { readonly routes: readonly string[] }): number[] {
  return routesOf(node).flatMap((route) => (route.length === 0 ? [route.address.length] : []));
}

export function routesOf(node: { readonly routes: readonly string[] }): Prefix[] {
  return node.routes.flatMap((text) => parsePrefix(text) ?? []);
}
