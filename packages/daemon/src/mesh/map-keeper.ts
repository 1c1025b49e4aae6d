import {
  applyDelta,
  hashMap,
  type MapDelta,
  type MapMessage,
  mapFault,
  type NetworkMap,
  type Presence,
  type Revocation,
  type RevocationSet,
  readMapMessage,
} from '@pcloud/netmap';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { MapStore } from './state/map-store.ts';
import type { Revocations } from './state/revocations.ts';
import { isOlder, type Seen } from './state/seen.ts';

/** The map of now, and its way to the disk. It never goes back. */
export interface MapKeeper {
  /** Without the nodes that were revoked, whatever the coordinator says of them. */
  readonly map: NetworkMap | undefined;
  /** Nodes that the coordinator has in its map although they were revoked, by id. */
  readonly contradicted: readonly string[];
  readonly presence: ReadonlyMap<string, Presence>;
  /** What a server resumes from. */
  readonly version: { readonly epoch: number; readonly revision: number; readonly hash: string } | undefined;
  /** What was on disk. @returns endpoints that worked, by node id */
  load(networkId: string): ReadonlyMap<string, string>;
  /** @returns why it is refused, or undefined */
  takeMap(message: MapMessage, networkId: string): string | undefined;
  /** `resync`: it does not fit, a whole map is due. */
  takeDelta(delta: MapDelta): 'taken' | 'resync' | 'older';
  /** @returns those that are in the map; who is in none is nobody, and is not remembered */
  takePresence(nodes: readonly Presence[]): readonly Presence[];
  /**
   * They are out of the map from here on, for good.
   * @returns the hash of all that were revoked, or undefined when it is not on disk
   */
  takeRevocations(revocations: readonly Revocation[], networkId: string): string | undefined;
  /** Has it on disk soon. */
  saveSoon(): void;
  /** Has it on disk now. */
  flush(): void;
  /** The map is forgotten, on disk it stays. */
  clear(): void;
}

export interface MapKeeperDeps {
  readonly store: MapStore;
  readonly seen: Seen;
  readonly revocations: Revocations;
  readonly clock: Clock;
  readonly log: Logger;
  readonly worked: () => ReadonlyMap<string, string>;
}

/** A storm of changes is written once. Milliseconds. */
const SAVE_DELAY_MS = 1_000;

export function createMapKeeper({ store, seen, revocations, clock, log, worked }: MapKeeperDeps): MapKeeper {
  /** As the coordinator has it: its hash is of that, and deltas are on top of it. */
  let held: NetworkMap | undefined;
  let map: NetworkMap | undefined;
  const presence = new Map<string, Presence>();
  let cancelSave: (() => void) | undefined;

  /** What the disk has no room for is lost at the next start, and not before. */
  function tryWrite(act: () => void): void {
    try {
      act();
    } catch (error) {
      log.warn({ error: (error as Error).message }, 'the map cannot be kept on disk');
    }
  }

  function saveSoon(): void {
    cancelSave ??= clock.setTimer(flush, SAVE_DELAY_MS);
  }

  function flush(): void {
    const wasDue = cancelSave !== undefined;
    cancelSave?.();
    cancelSave = undefined;
    const current = held;
    if (!wasDue || current === undefined) return;
    tryWrite(() => store.save({ map: current, presence: [...presence.values()], worked: worked() }));
  }

  function show(next: NetworkMap): void {
    held = next;
    map = withoutRevoked(next, revocations.of(next.network.id));
    for (const id of presence.keys()) if (!map.nodes.has(id)) presence.delete(id);
  }

  function accept(next: NetworkMap): void {
    tryWrite(() => seen.note(next));
    const isFirst = held === undefined;
    show(next);
    saveSoon();
    // Who has joined can come up by itself from the first moment on.
    if (isFirst) flush();
  }

  return {
    get map() {
      return map;
    },
    get contradicted() {
      if (held === undefined || map === held) return [];
      const { entries } = revocations.of(held.network.id);
      const left = [...held.nodes.keys()].filter((id) => !map!.nodes.has(id));
      // Another node that has the key of a revoked one is not that one.
      return left.filter((id) => entries.some(({ nodeId }) => nodeId === id));
    },
    presence,
    get version() {
      return held && { epoch: held.epoch, revision: held.revision, hash: hashMap(held) };
    },
    load(networkId) {
      const saved = store.load(networkId);
      if (saved === undefined) return new Map();
      // Who was there then may be gone: where he was is still worth a try.
      for (const node of saved.presence) presence.set(node.id, { ...node, online: false });
      show(saved.map);
      return saved.worked;
    },
    takeMap(message, networkId) {
      if (message.network.id !== networkId) return 'the map is one of another network';
      if (isOlder(message, seen.version)) {
        const { epoch, revision } = seen.version;
        return `the map is older (${message.epoch}, ${message.revision}) than one seen before (${epoch}, ${revision}), as after a backup of the coordinator was put back; this device keeps what it has`;
      }
      const next = readMapMessage(message);
      if (next === undefined) return 'the map is not what its hash promises';
      const fault = mapFault(next);
      if (fault !== undefined) return `the map is none that a network can have: ${fault}`;
      accept(next);
      return undefined;
    },
    takeDelta(delta) {
      if (isOlder({ epoch: delta.epoch, revision: delta.to }, seen.version)) return 'older';
      const next = held && applyDelta(held, delta);
      // A whole map says by itself what is wrong with it.
      if (next === undefined || mapFault(next) !== undefined) return 'resync';
      accept(next);
      return 'taken';
    },
    takePresence(nodes) {
      const known = nodes.filter(({ id }) => map?.nodes.has(id));
      for (const node of known) presence.set(node.id, node);
      if (known.length > 0) saveSoon();
      return known;
    },
    takeRevocations(added, networkId) {
      let isKept = true;
      try {
        revocations.add(networkId, added);
      } catch (error) {
        isKept = false;
        log.error({ error: (error as Error).message }, 'what was revoked cannot be kept on disk');
      }
      if (held !== undefined && added.length > 0) show(held);
      return isKept ? revocations.of(networkId).hash : undefined;
    },
    saveSoon,
    flush,
    clear() {
      cancelSave?.();
      cancelSave = undefined;
      held = undefined;
      map = undefined;
      presence.clear();
    },
  };
}

/** The map itself where none of its nodes was revoked. */
function withoutRevoked(map: NetworkMap, { entries, has }: Pick<RevocationSet, 'entries' | 'has'>): NetworkMap {
  if (entries.length === 0) return map;
  const revoked = [...map.nodes.values()].filter(has);
  if (revoked.length === 0) return map;
  const nodes = new Map(map.nodes);
  for (const { id } of revoked) nodes.delete(id);
  return { ...map, nodes };
}
