/** What maps are made of: every node's face and the hash of all, kept current at the cost of what changed. */

import { parsePrefix } from '@pcloud/ip';
import {
  addressOf,
  encodeBase64,
  entryHash,
  indexOf,
  type MapDelta,
  type MapMessage,
  type MapNetwork,
  type MapNode,
  xorInto,
} from '@pcloud/netmap';
import type { NodeRecord } from '../nodes/node-record.ts';
import type { Registry } from '../nodes/registry.ts';

export interface MapSource {
  /** Of the newest map. */
  readonly revision: number;
  /** What others see of a node; undefined when there is none. */
  face(nodeId: string): MapNode | undefined;
  /** The id of the node that has an address. */
  nodeAt(address: string): string | undefined;
  /** The whole map of a node. */
  whole(nodeId: string): MapMessage;
  /** What has become of the nodes with these ids since a revision. */
  delta(nodeId: string, from: number, changed: ReadonlySet<string>): MapDelta;
  /** The hash of a node's map, base64. */
  hash(nodeId: string): string;
  /** Nodes that changed after a revision; undefined when that is too long ago to tell. */
  changedSince(revision: number): ReadonlySet<string> | undefined;
  /** Is told of the nodes that changed. Returns what ends it. */
  subscribe(listener: (nodeIds: ReadonlySet<string>) => void): () => void;
  close(): void;
}

/** Changes that a reconnect can resume over. */
const LOG_LENGTH = 10_000;

export function createMapSource(registry: Registry, epoch: number, network: MapNetwork): MapSource {
  const prefixes = network.prefixes.map((text) => parsePrefix(text)!);
  const faces = new Map<string, MapNode>();
  const allNodes = new Uint8Array(32);
  const log: { readonly revision: number; readonly nodeIds: ReadonlySet<string> }[] = [];
  const listeners = new Set<(nodeIds: ReadonlySet<string>) => void>();
  let logStart = registry.revision;

  function faceOf(node: NodeRecord): MapNode {
    return {
      id: node.id,
      name: node.name,
      user: registry.userName(node.userId),
      tags: node.tags,
      role: node.role,
      nodeKey: node.nodeKey,
      addresses: prefixes.map((prefix) => addressOf(prefix, node.index)),
    };
  }

  function renew(id: string): void {
    const before = faces.get(id);
    if (before !== undefined) xorInto(allNodes, entryHash('node', before));
    const node = registry.nodes.get(id);
    if (node === undefined) {
      faces.delete(id);
      return;
    }
    const face = faceOf(node);
    faces.set(id, face);
    xorInto(allNodes, entryHash('node', face));
  }

  function hash(nodeId: string): string {
    const self = faces.get(nodeId)!;
    const result = allNodes.slice();
    xorInto(result, entryHash('node', self));
    xorInto(result, entryHash('self', self));
    xorInto(result, entryHash('network', network));
    return encodeBase64(result);
  }

  for (const id of registry.nodes.keys()) renew(id);
  const unsubscribe = registry.subscribe(({ revision, nodeIds }) => {
    for (const id of nodeIds) renew(id);
    log.push({ revision, nodeIds });
    while (log.length > LOG_LENGTH) logStart = log.shift()!.revision;
    for (const listener of listeners) listener(nodeIds);
  });

  return {
    get revision() {
      return registry.revision;
    },
    face: (id) => faces.get(id),
    hash,
    nodeAt(address) {
      const index = prefixes.map((prefix) => indexOf(prefix, address)).find((found) => found !== undefined);
      return index === undefined ? undefined : registry.nodeOf(index);
    },
    whole(nodeId) {
      const nodes = [...faces.values()].filter((face) => face.id !== nodeId);
      const self = faces.get(nodeId)!;
      return { kind: 'map', epoch, revision: registry.revision, network, self, nodes, hash: hash(nodeId) };
    },
    delta(nodeId, from, changedIds) {
      const changed: MapNode[] = [];
      const removed: string[] = [];
      for (const id of changedIds) {
        const face = faces.get(id);
        if (face === undefined) removed.push(id);
        else if (id !== nodeId) changed.push(face);
      }
      const self = changedIds.has(nodeId) ? { self: faces.get(nodeId)! } : {};
      return { epoch, from, to: registry.revision, ...self, changed, removed, hash: hash(nodeId) };
    },
    changedSince(revision) {
      if (revision < logStart || revision > registry.revision) return undefined;
      const ids = new Set<string>();
      for (let index = log.length - 1; index >= 0 && log[index]!.revision > revision; index--) {
        for (const id of log[index]!.nodeIds) ids.add(id);
      }
      return ids;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close: unsubscribe,
  };
}
