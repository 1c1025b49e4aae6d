/** What one node may know of the network: whole once, then as deltas. */

import type { FilterRule } from './policy/filter-rule.ts';

/** The order of maps: a restore raises the epoch, every change the revision. Nodes never go back. */
export interface MapVersion {
  readonly epoch: number;
  readonly revision: number;
}

export interface NetworkMap extends MapVersion {
  readonly network: MapNetwork;
  readonly self: MapNode;
  /** Nodes that this one may see, by id, itself not among them. */
  readonly nodes: ReadonlyMap<string, MapNode>;
  /** What this node lets in. Left out by a server that knows no policy: then everything. */
  readonly filter?: readonly FilterRule[];
}

export interface MapNetwork {
  /** The network's id: see `networkId`. */
  readonly id: string;
  /** Prefixes of the mesh: IPv4 as `10.0.0.0/16`, and a ULA /64. */
  readonly prefixes: readonly string[];
  /** Names are `NODE.pcloud`. */
  readonly domain: string;
  /** URLs of relays. */
  readonly relays: readonly string[];
}

/** One node as others see it: a triple and what people call it. */
export interface MapNode {
  /** Stays the same for life, whatever its keys and name. */
  readonly id: string;
  /** A DNS label, unique in the network. */
  readonly name: string;
  /** The name of the user who owns it; empty for a node that is owned by tags. */
  readonly user: string;
  readonly tags: readonly string[];
  readonly role: 'server' | 'client';
  /** WireGuard public key, base64. */
  readonly nodeKey: string;
  /** IPv4 and IPv6, without prefix length. */
  readonly addresses: readonly string[];
}

/** From one revision to another, of one epoch. */
export interface MapDelta {
  readonly epoch: number;
  readonly from: number;
  readonly to: number;
  readonly network?: MapNetwork;
  readonly self?: MapNode;
  readonly filter?: readonly FilterRule[];
  readonly changed: readonly MapNode[];
  /** Ids. */
  readonly removed: readonly string[];
  /** `hashMap` of the result, base64: a mismatch fetches a whole map. */
  readonly hash: string;
}

/** Soft state of a node, in no map and no hash: where it was last reachable, and whether it is connected. */
export interface Presence {
  readonly id: string;
  readonly online: boolean;
  /** UDP endpoints as `ADDRESS:PORT`, best first, 32 at most. */
  readonly endpoints: readonly string[];
}
