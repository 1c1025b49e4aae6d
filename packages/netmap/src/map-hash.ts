/**
 * The hash of a map: the XOR of its entries' hashes, so that a change costs what changed. It tells two maps
 * apart that should be the same; it does not defend against the server, who writes both.
 */
import { blake2s256, utf8 } from './bytes.ts';
import { canonicalJson } from './canonical-json.ts';
import type { MapNetwork, MapNode, NetworkMap } from './map.ts';
import type { FilterRule } from './policy/filter-rule.ts';
import type { Revocation } from './revocation.ts';
import { encodeBase64 } from './text.ts';

export type EntryKind = 'network' | 'self' | 'node' | 'filter' | 'revoked';

/** Entries are never changed, only replaced, and many maps share one: each is hashed once for each of its kinds. */
const known: Record<EntryKind, WeakMap<object, Uint8Array>> = {
  network: new WeakMap(),
  self: new WeakMap(),
  node: new WeakMap(),
  filter: new WeakMap(),
  revoked: new WeakMap(),
};
const mapHashes = new WeakMap<NetworkMap, Uint8Array>();

/** BLAKE2s-256 of one entry in canonical JSON under its kind. Not to be written into. */
export function entryHash(
  kind: EntryKind,
  entry: MapNetwork | MapNode | readonly FilterRule[] | Revocation,
): Uint8Array {
  let hash = known[kind].get(entry);
  if (hash === undefined) {
    hash = blake2s256(utf8(`${kind}\n${canonicalJson(entry)}`));
    known[kind].set(entry, hash);
  }
  return hash;
}

/** The hash of a map, base64. */
export function hashMap(map: NetworkMap): string {
  return encodeBase64(mapHash(map));
}

/** The hash of a map, 32 bytes. Not to be written into. */
export function mapHash(map: NetworkMap): Uint8Array {
  let hash = mapHashes.get(map);
  if (hash === undefined) {
    hash = new Uint8Array(32);
    xorInto(hash, entryHash('network', map.network));
    xorInto(hash, entryHash('self', map.self));
    if (map.filter !== undefined) xorInto(hash, entryHash('filter', map.filter));
    for (const node of map.nodes.values()) xorInto(hash, entryHash('node', node));
    mapHashes.set(map, hash);
  }
  return hash;
}

/** Tells what `mapHash` would compute, when it is known already. */
export function rememberMapHash(map: NetworkMap, hash: Uint8Array): void {
  mapHashes.set(map, hash);
}

/** `target` becomes the XOR of both: an entry goes into the hash of a map, or out of it. */
export function xorInto(target: Uint8Array, other: Uint8Array): void {
  for (let i = 0; i < target.length; i++) target[i] = target[i]! ^ other[i]!;
}
