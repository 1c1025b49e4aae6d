import { type Prefix, parseAddress, parsePrefix } from '@pcloud/ip';

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
