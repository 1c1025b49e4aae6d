/** Who is connected, and where nodes can be reached: soft state, in no map and on no disk. */
import type { Presence } from '@pcloud/netmap';

export interface PresenceTable {
  /** A node is connected, or has other endpoints than before. */
  setOnline(nodeId: string, endpoints: readonly string[]): void;
  /** Its connection ended; it counts as away once it has not come back for `OFFLINE_GRACE_MS`. */
  setOffline(nodeId: string): void;
  /** It is no node any more. */
  forget(nodeId: string): void;
  get(nodeId: string): Presence | undefined;
  all(): Iterable<Presence>;
  /** Is told of a node whose presence changed. Returns what ends it. */
  subscribe(listener: (nodeId: string) => void): () => void;
}

/** A connection that comes back sooner is no news. */
const OFFLINE_GRACE_MS = 3_000;

/** @param setTimer calls back once after so many milliseconds, and returns what cancels it */
export function createPresenceTable(setTimer: (callback: () => void, ms: number) => () => void): PresenceTable {
  const table = new Map<string, Presence>();
  const leaving = new Map<string, () => void>();
  const listeners = new Set<(nodeId: string) => void>();

  function stay(nodeId: string): void {
    leaving.get(nodeId)?.();
    leaving.delete(nodeId);
  }

  function set(presence: Presence): void {
    table.set(presence.id, presence);
    for (const listener of listeners) listener(presence.id);
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
    },
    get: (nodeId) => table.get(nodeId),
    all: () => table.values(),
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, index) => text === b[index]);
}
