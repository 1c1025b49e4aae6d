/** Who is connected, and where nodes can be reached: soft state, in no map and on no disk. */
import { encodeMessage, type MapNode, type Presence } from '@pcloud/netmap';
import type { Load } from './load.ts';
import type { MapSource } from './map-source.ts';
import { createPacer } from './pacer.ts';

export interface PresenceTable {
  /** A node is connected, or has other endpoints than before. */
  setOnline(nodeId: string, endpoints: readonly string[]): void;
  /** Its connection ended; it counts as away once it has not come back for `OFFLINE_GRACE_MS`. */
  setOffline(nodeId: string): void;
  /** It is no node any more. */
  forget(nodeId: string): void;
  get(nodeId: string): Presence | undefined;
  /** All that a node may know as encoded messages, but for what listeners are still to be told. */
  whole(nodeId: string): readonly string[];
  /**
   * For a node: is told of all that changed in a moment by encoded messages, most of them the same for all nodes of
   * its group: when many come back at once each is sent a few, and each of them is made once. Returns what ends it.
   */
  subscribe(nodeId: string, listener: (changed: readonly string[]) => void): () => void;
  close(): void;
}

/** A connection that comes back sooner is no news. */
const OFFLINE_GRACE_MS = 3_000;
const NODES_OF_MESSAGE = 2_000;

type Listener = (changed: readonly string[]) => void;

/**
 * @param audience who may know of whom
 * @param setTimer calls back once after so many milliseconds, and returns what cancels it
 */
export function createPresenceTable(
  audience: Pick<MapSource, 'revision' | 'rights' | 'classOf' | 'seenByGroup' | 'ownSeenBy'>,
  setTimer: (callback: () => void, ms: number) => () => void,
  load: Load,
): PresenceTable {
  const table = new Map<string, Presence>();
  const leaving = new Map<string, () => void>();
  const listeners = new Map<Listener, string>();
  const changed = new Set<string>();
  const pacer = createPacer(tell, load, setTimer);
  /** What groups see, made once for all that come back between two changes. */
  const whole = new Map<string, readonly string[]>();
  let wholeRevision = 0;

  function stay(nodeId: string): void {
    leaving.get(nodeId)?.();
    leaving.delete(nodeId);
  }

  function set(presence: Presence): void {
    table.set(presence.id, presence);
    changed.add(presence.id);
    pacer.request();
  }

  function tell(): void {
    const { rights } = audience;
    const byGroup = new Map<string, Presence[]>();
    const byUser = new Map<string, { readonly className: string; readonly presence: Presence }[]>();
    for (const id of changed) {
      const [className, presence] = [audience.classOf(id), table.get(id)];
      if (className === undefined || presence === undefined) continue;
      append(byGroup, rights.groupOf(className), presence);
      const user = rights.userOf(className);
      if (user !== '') append(byUser, user, { className, presence });
    }
    changed.clear();
    whole.clear();
    if (byGroup.size === 0) return;
    const messages = new Map<string, readonly string[]>();
    for (const [listener, nodeId] of [...listeners]) {
      const className = audience.classOf(nodeId);
      if (className === undefined) continue;
      const group = rights.groupOf(className);
      const seen = ([other]: [string, unknown]): boolean => rights.groupsSee(group, other);
      const common = messages.get(group) ?? encode([...byGroup].filter(seen).flatMap(([, nodes]) => nodes));
      messages.set(group, common);
      const own = byUser.get(rights.userOf(className))?.filter((other) => isOwn(className, other.className)) ?? [];
      const all = own.length === 0 ? common : [...common, ...encode(own.map(({ presence }) => presence))];
      if (all.length > 0) listener(all);
    }
  }

  /** Whether one sees the other though its group does not. */
  function isOwn(className: string, other: string): boolean {
    const { rights } = audience;
    return !rights.groupsSee(rights.groupOf(className), rights.groupOf(other)) && rights.sees(className, other);
  }

  function encodeAll(faces: Iterable<MapNode>): string[] {
    return encode([...faces].map(({ id }) => table.get(id)).filter((found) => found !== undefined));
  }

  return {
    setOnline(nodeId, endpoints) {
      stay(nodeId);
      const before = table.get(nodeId);
      if (before?.online && sameTexts(before.endpoints, endpoints)) return;
      set({ id: nodeId, online: true, endpoints });
    },
    setOffline(nodeId) {
      stay(nodeId);
      const cancel = setTimer(() => {
        leaving.delete(nodeId);
        const before = table.get(nodeId);
        // Where it was is still the best guess of where it is.
        if (before?.online) set({ ...before, online: false });
      }, OFFLINE_GRACE_MS);
      leaving.set(nodeId, cancel);
    },
    forget(nodeId) {
      stay(nodeId);
      table.delete(nodeId);
      whole.clear();
    },
    get: (nodeId) => table.get(nodeId),
    whole(nodeId) {
      const className = audience.classOf(nodeId);
      if (className === undefined) return [];
      if (wholeRevision !== audience.revision) whole.clear();
      wholeRevision = audience.revision;
      const group = audience.rights.groupOf(className);
      const common = whole.get(group) ?? encodeAll(audience.seenByGroup(group));
      whole.set(group, common);
      return [...common, ...encodeAll(audience.ownSeenBy(className))];
    },
    subscribe(nodeId, listener) {
      listeners.set(listener, nodeId);
      return () => void listeners.delete(listener);
    },
    close: pacer.stop,
  };
}

function append<T>(lists: Map<string, T[]>, key: string, value: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

/** In parts, however many endpoints all of them have. */
function encode(nodes: readonly Presence[]): string[] {
  const messages: string[] = [];
  for (let at = 0; at < nodes.length; at += NODES_OF_MESSAGE) {
    messages.push(encodeMessage({ kind: 'presence', nodes: nodes.slice(at, at + NODES_OF_MESSAGE) }));
  }
  return messages;
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, index) => text === b[index]);
}
