/**
 * Nodes that were taken out for good: a list that only grows, kept by every node and every server. What it names is
 * nobody's peer again, whatever a map says.
 */
import type { MapNode } from './map.ts';
import { entryHash, xorInto } from './map-hash.ts';
import { canonicalKey } from './public-key.ts';
import { decodeBase64, encodeBase64 } from './text.ts';

export interface Revocation {
  readonly nodeId: string;
  /** WireGuard public key, base64: the last that the node had. */
  readonly nodeKey: string;
}

export interface RevocationSet {
  /** In the order in which they came. */
  readonly entries: readonly Revocation[];
  /** Of all entries, whatever their order, base64: XOR, as that of a map. */
  readonly hash: string;
  /** @returns those that it did not have */
  add(revocations: readonly Revocation[]): readonly Revocation[];
  /** Whether a node is out by its id or by its key, in whatever form the key is written. */
  has(node: Pick<MapNode, 'id' | 'nodeKey'>): boolean;
}

/** Nodes of maps are never changed, only replaced, and each map is looked through. */
const keyNames = new WeakMap<object, string>();

export function createRevocationSet(): RevocationSet {
  const entries: Revocation[] = [];
  const known = new Set<string>();
  const ids = new Set<string>();
  const keys = new Set<string>();
  const hash = new Uint8Array(32);
  return {
    entries,
    get hash() {
      return encodeBase64(hash);
    },
    add(revocations) {
      const added = revocations.filter(({ nodeId, nodeKey }) => {
        const name = `${nodeId} ${nodeKey}`;
        if (known.has(name)) return false;
        known.add(name);
        return true;
      });
      for (const revocation of added) {
        entries.push(revocation);
        ids.add(revocation.nodeId);
        keys.add(keyName(revocation.nodeKey));
        xorInto(hash, entryHash('revoked', revocation));
      }
      return added;
    },
    has(node) {
      if (entries.length === 0) return false;
      let key = keyNames.get(node);
      if (key === undefined) {
        key = keyName(node.nodeKey);
        keyNames.set(node, key);
      }
      return ids.has(node.id) || keys.has(key);
    },
  };
}

/** The one name of the key that X25519 takes these bytes for. */
function keyName(nodeKey: string): string {
  const bytes = decodeBase64(nodeKey, 32);
  return bytes === undefined ? nodeKey : encodeBase64(canonicalKey(bytes));
}
