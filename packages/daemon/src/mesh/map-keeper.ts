import {
  applyDelta,
  hashMap,
  type MapDelta,
  type MapMessage,
  mapFault,
  type NetworkMap,
  type Presence,
  readMapMessage,
} from '@pcloud/netmap';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { MapStore } from './state/map-store.ts';
import { isOlder, type Seen } from './state/seen.ts';

/** The map of now, and its way to the disk. It never goes back. */
export interface MapKeeper {
  readonly map: NetworkMap | undefined;
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
  readonly clock: Clock;
  readonly log: Logger;
  readonly worked: () => ReadonlyMap<string, string>;
}

/** A storm of changes is written once. Milliseconds. */
const SAVE_DELAY_MS = 1_000;

export function createMapKeeper({ store, seen, clock, log, worked }: MapKeeperDeps): MapKeeper {
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
    const current = map;
    if (!wasDue || current === undefined) return;
    tryWrite(() => store.save({ map: current, presence: [...presence.values()], worked: worked() }));
  }

  function accept(next: NetworkMap): void {
    tryWrite(() => seen.note(next));
    const isFirst = map === undefined;
    map = next;
    for (const id of presence.keys()) if (!next.nodes.has(id)) presence.delete(id);
    saveSoon();
    // Who has joined can come up by itself from the first moment on.
    if (isFirst) flush();
  }

  return {
    get map() {
      return map;
    },
    presence,
    get version() {
      return map && { epoch: map.epoch, revision: map.revision, hash: hashMap(map) };
    },
    load(networkId) {
      const saved = store.load(networkId);
      if (saved === undefined) return new Map();
      map = saved.map;
      // Who was there then may be gone: where he was is still worth a try.
      for (const node of saved.presence) presence.set(node.id, { ...node, online: false });
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
      const next = map && applyDelta(map, delta);
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
    saveSoon,
    flush,
    clear() {
      cancelSave?.();
      cancelSave = undefined;
      map = undefined;
      presence.clear();
    },
  };
}
