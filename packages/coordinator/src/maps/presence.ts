/** Who is connected, and where nodes can be reached: soft state, in no map and on no disk. */
import { encodeMessage, type Presence } from '@pcloud/netmap';
import { createPacer } from './pacer.ts';

export interface PresenceTable {
  /** A node is connected, or has other endpoints than before. */
  setOnline(nodeId: string, endpoints: readonly string[]): void;
  /** Its connection ended; it counts as away once it has not come back for `OFFLINE_GRACE_MS`. */
  setOffline(nodeId: string): void;
  /** It is no node any more. */
  forget(nodeId: string): void;
  get(nodeId: string): Presence | undefined;
  /** All of it as encoded messages, but for what listeners are still to be told. */
  whole(): readonly string[];
  /**
   * Is told of all that changed in a moment by encoded messages, the same for everybody: when many nodes come back
   * at once each is sent a few, and each of them is made once. Returns what ends it.
   */
  subscribe(listener: (changed: readonly string[]) => void): () => void;
  close(): void;
}

/** A connection that comes back sooner is no news. */
const OFFLINE_GRACE_MS = 3_000;
/** How long changes are gathered once one was told. */
const GATHER_MS = 100;
const NODES_OF_MESSAGE = 2_000;

/** @param setTimer calls back once after so many milliseconds, and returns what cancels it */
export function createPresenceTable(setTimer: (callback: () => void, ms: number) => () => void): PresenceTable {
  const table = new Map<string, Presence>();
  const leaving = new Map<string, () => void>();
  const listeners = new Set<(changed: readonly string[]) => void>();
  const changed = new Set<string>();
  const pacer = createPacer(tell, GATHER_MS, setTimer);
  /** Made once for all that come back between two times of telling. */
  let whole: readonly string[] | undefined;

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
    const nodes = [...changed].map((id) => table.get(id)).filter((found) => found !== undefined);
    changed.clear();
    whole = undefined;
    if (nodes.length === 0) return;
    const messages = encode(nodes);
    for (const listener of [...listeners]) listener(messages);
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
      whole = undefined;
    },
    get: (nodeId) => table.get(nodeId),
    whole() {
      whole ??= encode([...table.values()]);
      return whole;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close: pacer.stop,
  };
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
