import { equalBytes } from './bytes.ts';
import type { MapDelta, MapNode, NetworkMap } from './map.ts';
import { entryHash, hashMap, mapHash, rememberMapHash, xorInto } from './map-hash.ts';
import { encodeBase64 } from './text.ts';

/**
 * The map after a delta, or undefined when the delta is not one of this map (epoch, revision) or does not
 * give the map it promises (hash): then a whole map is due. The old map stays as it is.
 */
export function applyDelta(map: NetworkMap, delta: MapDelta): NetworkMap | undefined {
  if (delta.epoch !== map.epoch || delta.from !== map.revision || delta.to < delta.from) return undefined;
  const network = delta.network ?? map.network;
  const self = delta.self ?? map.self;
  const filter = delta.filter ?? map.filter;
  const hash = mapHash(map).slice();
  const nodes = new Map(map.nodes);

  const leave = (id: string): void => {
    const node = nodes.get(id);
    if (node === undefined) return;
    xorInto(hash, entryHash('node', node));
    nodes.delete(id);
  };
  for (const id of delta.removed) leave(id);
  for (const node of delta.changed) {
    leave(node.id);
    xorInto(hash, entryHash('node', node));
    nodes.set(node.id, node);
  }
  if (delta.network !== undefined) swap(hash, entryHash('network', map.network), entryHash('network', network));
  if (delta.self !== undefined) swap(hash, entryHash('self', map.self), entryHash('self', self));

  if (delta.filter !== undefined) {
    if (map.filter !== undefined) xorInto(hash, entryHash('filter', map.filter));
    xorInto(hash, entryHash('filter', delta.filter));
  }

  if (encodeBase64(hash) !== delta.hash || nodes.has(self.id)) return undefined;
  const result: NetworkMap = { epoch: map.epoch, revision: delta.to, network, self, nodes, ...(filter && { filter }) };
  rememberMapHash(result, hash);
  return result;
}

/** What turns one map into a later one, or undefined when only a whole map does: another epoch, an older map, or no filter any more. */
export function diffMaps(from: NetworkMap, to: NetworkMap): MapDelta | undefined {
  if (from.epoch !== to.epoch || from.revision > to.revision) return undefined;
  if (from.filter !== undefined && to.filter === undefined) return undefined;
  const changed: MapNode[] = [];
  const removed: string[] = [];
  for (const [id, node] of to.nodes) {
    const old = from.nodes.get(id);
    if (old === undefined || !isSameEntry('node', old, node)) changed.push(node);
  }
  for (const id of from.nodes.keys()) if (!to.nodes.has(id)) removed.push(id);
  return {
    epoch: to.epoch,
    from: from.revision,
    to: to.revision,
    ...(isSameEntry('network', from.network, to.network) ? {} : { network: to.network }),
    ...(isSameEntry('self', from.self, to.self) ? {} : { self: to.self }),
    ...(to.filter === undefined || (from.filter && isSameEntry('filter', from.filter, to.filter))
      ? {}
      : { filter: to.filter }),
    changed,
    removed,
    hash: hashMap(to),
  };
}

function isSameEntry(...[kind, a, b]: [...Parameters<typeof entryHash>, Parameters<typeof entryHash>[1]]): boolean {
  return a === b || equalBytes(entryHash(kind, a), entryHash(kind, b));
}

function swap(hash: Uint8Array, old: Uint8Array, next: Uint8Array): void {
  xorInto(hash, old);
  xorInto(hash, next);
}
