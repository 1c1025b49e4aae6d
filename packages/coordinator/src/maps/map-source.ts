/**
 * What maps are made of: every node's face, the classes that say who sees whom, and the hash of what each class
 * sees; kept current at the cost of what changed, for those whom it concerns.
 */
import { parsePrefix } from '@pcloud/ip';
import {
  addressOf,
  encodeBase64,
  entryHash,
  type FilterRule,
  indexOf,
  type MapDelta,
  type MapMessage,
  type MapNetwork,
  type MapNode,
  xorInto,
} from '@pcloud/netmap';
import type { NodeRecord } from '../nodes/node-record.ts';
import type { Registry } from '../nodes/registry.ts';
import { createChangeLog, type Move } from './change-log.ts';
import { createClassTable } from './class-table.ts';
import { OPEN_RIGHTS, type Rights } from './rights.ts';
import { createViewChanges, isSameFilter, type ViewChange } from './view-change.ts';

/**
 * Of a node: is told of the nodes that changed for it, itself among them; of none when only its filter did.
 * @param areKnown whether there may be some among them that it did not see before, and that are not new
 */
export type MapListener = (nodeIds: ReadonlySet<string>, areKnown: boolean) => void;

export interface MapSource {
  /** Of the newest map. */
  readonly revision: number;
  /** What others see of a node; undefined when there is none. */
  face(nodeId: string): MapNode | undefined;
  /** The id of the node that has an address. */
  nodeAt(address: string): string | undefined;
  /** The class of a node; undefined when there is none. */
  classOf(nodeId: string): string | undefined;
  /** Whether a device of a user would see a node. */
  isSeenByUser(name: string, nodeId: string): boolean;
  /** Those of now. */
  readonly rights: Rights;
  /** Nodes of those groups that a group sees. */
  seenByGroup(group: string): Iterable<MapNode>;
  /** What nodes of a class see beyond that: some of their own user's. */
  ownSeenBy(className: string): Iterable<MapNode>;
  /** What a node lets in; undefined: everything. */
  filter(nodeId: string): readonly FilterRule[] | undefined;
  /** The whole map of a node. */
  whole(nodeId: string): MapMessage;
  /**
   * What has become for a node of those with these ids since a revision.
   * @param filter what the node has
   */
  delta(
    nodeId: string,
    from: number,
    changed: ReadonlySet<string>,
    filter: readonly FilterRule[] | undefined,
  ): MapDelta;
  /** The hash of a node's map, base64. */
  hash(nodeId: string): string;
  /** Nodes that changed for this one after a revision; undefined when that cannot be told, and a whole map is due. */
  changedSince(nodeId: string, revision: number): ReadonlySet<string> | undefined;
  /** Returns what ends it. */
  subscribe(nodeId: string, listener: MapListener): () => void;
  close(): void;
}

export interface MapSourceOptions {
  readonly epoch: number;
  readonly network: MapNetwork;
  /** Those of now: asked at every change of the registry. Default: everybody sees everybody. */
  readonly rights?: () => Rights;
}

export function createMapSource(registry: Registry, options: MapSourceOptions): MapSource {
  const { epoch, network, rights = () => OPEN_RIGHTS } = options;
  const prefixes = network.prefixes.map((text) => parsePrefix(text)!);
  const faces = new Map<string, MapNode>();
  const listeners = new Map<string, Set<MapListener>>();
  const log = createChangeLog(registry.revision);
  let table = createClassTable(rights());

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
    const node = registry.nodes.get(id);
    if (node === undefined) {
      faces.delete(id);
      table.remove(id);
      return;
    }
    const face = faceOf(node);
    faces.set(id, face);
    table.put(face);
  }

  function tell(nodeId: string, nodeIds: ReadonlySet<string>, areKnown: boolean): void {
    for (const listener of listeners.get(nodeId) ?? []) listener(nodeIds, areKnown);
  }

  function handleNodes(revision: number, nodeIds: ReadonlySet<string>): void {
    const moves = [...nodeIds].map((id) => {
      const before = table.classOf(id);
      renew(id);
      return { id, before, after: table.classOf(id) };
    });
    log.add(revision, moves);
    for (const { id, before, after } of moves) {
      const ids = new Set([id]);
      const hasMoved = before !== undefined && before !== after;
      for (const className of new Set([before, after])) {
        if (className === undefined) continue;
        for (const viewer of table.seenBy(className)) tell(viewer.id, ids, hasMoved);
      }
    }
    for (const { id, before, after } of moves) {
      if (!listeners.has(id)) continue;
      const ids = before === after ? new Set([id]) : new Set([id, ...seenOver(before, after, moves)]);
      tell(id, ids, before !== after);
    }
  }

  /** What a node sees that came from one class into another, and what it saw until now: of that some moved, too. */
  function* seenOver(before: string | undefined, after: string | undefined, moves: readonly Move[]): Generator<string> {
    for (const name of [before, after]) if (name !== undefined) for (const { id } of table.seenBy(name)) yield id;
    for (const move of moves) if (sees(before, move.before)) yield move.id;
  }

  /** By rights alone: what was removed is of a class that may have no nodes any more. */
  function sees(a: string | undefined, b: string | undefined): boolean {
    return a !== undefined && b !== undefined && table.rights.sees(a, b);
  }

  /** Other rights: every node's class is another, and what it sees may be. */
  function handleRights(revision: number, next: Rights): void {
    const before = table;
    table = createClassTable(next);
    for (const face of faces.values()) table.put(face);
    const changeOf = createViewChanges(before, table, faces.values());
    // What came before was of classes that these rights may not know, or may judge otherwise.
    log.forget(revision);
    for (const nodeId of listeners.keys()) {
      if (!faces.has(nodeId)) continue;
      const change = changeOf(nodeId);
      if (isChange(change)) tell(nodeId, change.nodeIds, change.nodeIds.size > 0);
    }
  }

  for (const id of registry.nodes.keys()) renew(id);
  const unsubscribe = registry.subscribe(({ revision, nodeIds }) => {
    if (nodeIds.size > 0) handleNodes(revision, nodeIds);
    const next = rights();
    if (next !== table.rights) handleRights(revision, next);
  });

  function hash(nodeId: string): string {
    const self = faces.get(nodeId)!;
    const result = table.hashFor(nodeId);
    xorInto(result, entryHash('self', self));
    xorInto(result, entryHash('network', network));
    const own = filter(nodeId);
    if (own !== undefined) xorInto(result, entryHash('filter', own));
    return encodeBase64(result);
  }

  function filter(nodeId: string): readonly FilterRule[] | undefined {
    const className = table.classOf(nodeId);
    return className === undefined ? undefined : table.filterFor(className);
  }

  function isSeen(nodeId: string, other: string): boolean {
    return sees(table.classOf(nodeId), table.classOf(other));
  }

  return {
    get revision() {
      return registry.revision;
    },
    face: (id) => faces.get(id),
    hash,
    filter,
    classOf: (nodeId) => table.classOf(nodeId),
    isSeenByUser(name, nodeId) {
      const device = { id: '', name: '', user: name, tags: [], role: 'client' as const, addresses: [], routes: [] };
      return sees(table.rights.classOf(device), table.classOf(nodeId));
    },
    get rights() {
      return table.rights;
    },
    seenByGroup: (group) => table.seenByGroup(group),
    ownSeenBy: (className) => table.ownSeenBy(className),
    nodeAt(address) {
      const index = prefixes.map((prefix) => indexOf(prefix, address)).find((found) => found !== undefined);
      return index === undefined ? undefined : registry.nodeOf(index);
    },
    whole(nodeId) {
      const nodes = [...table.seenBy(table.classOf(nodeId)!)].filter(({ id }) => id !== nodeId);
      const own = filter(nodeId);
      return {
        kind: 'map',
        epoch,
        revision: registry.revision,
        network,
        self: faces.get(nodeId)!,
        nodes,
        ...(own && { filter: own }),
        hash: hash(nodeId),
      };
    },
    delta(nodeId, from, changedIds, had) {
      const changed: MapNode[] = [];
      const removed: string[] = [];
      for (const id of changedIds) {
        if (id === nodeId) continue;
        if (isSeen(nodeId, id)) changed.push(faces.get(id)!);
        else removed.push(id);
      }
      const own = filter(nodeId);
      return {
        epoch,
        from,
        to: registry.revision,
        ...(changedIds.has(nodeId) ? { self: faces.get(nodeId)! } : {}),
        ...(own === undefined || isSameFilter(had, own) ? {} : { filter: own }),
        changed,
        removed,
        hash: hash(nodeId),
      };
    },
    changedSince(nodeId, revision) {
      const own = table.classOf(nodeId)!;
      const moves = log.since(revision, registry.revision);
      if (moves === undefined || moves.some(({ id, before, after }) => id === nodeId && before !== after)) {
        return undefined;
      }
      const seen = moves.filter(({ id, before, after }) => id === nodeId || sees(own, before) || sees(own, after));
      return new Set(seen.map(({ id }) => id));
    },
    subscribe(nodeId, listener) {
      const own = listeners.get(nodeId) ?? new Set();
      listeners.set(nodeId, own.add(listener));
      return () => {
        own.delete(listener);
        if (own.size === 0 && listeners.get(nodeId) === own) listeners.delete(nodeId);
      };
    },
    close: unsubscribe,
  };
}

function isChange({ nodeIds, isFilterChanged }: ViewChange): boolean {
  return nodeIds.size > 0 || isFilterChanged;
}
