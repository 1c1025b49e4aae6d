/** Keeps one connected node's map current: whole once, then what changed, a few times a second at most. */
import type { MapVersion, Presence, ServerMessage } from '@pcloud/netmap';
import type { MapSource } from './map-source.ts';
import type { PresenceTable } from './presence.ts';

export interface MapFeed {
  /** Sends what the node lacks, given what it has, and goes on from there. */
  start(has: (MapVersion & { readonly hash: string }) | undefined): void;
  /** A delta did not fit: the whole map. */
  resync(): void;
  stop(): void;
}

export interface MapFeedDeps {
  readonly source: MapSource;
  readonly presence: PresenceTable;
  readonly epoch: number;
  readonly send: (message: ServerMessage) => void;
  /** Bytes that were sent and that the node has not taken yet. */
  readonly pendingBytes: () => number;
  /** Calls back once after so many milliseconds, and returns what cancels it. */
  readonly setTimer: (callback: () => void, ms: number) => () => void;
  /** The node is no node any more. Called once, by a change; nothing is sent afterwards. */
  readonly handleRemoved: () => void;
}

/** How long changes are gathered. */
const COALESCE_MS = 100;
/** A node that has taken less than all but this much is slow: changes are dropped, and it gets a whole map once it is not. */
const MAX_PENDING_BYTES = 1_048_576;
const SLOW_RETRY_MS = 500;

export function createMapFeed(nodeId: string, deps: MapFeedDeps): MapFeed {
  const { source, presence } = deps;
  const changed = new Set<string>();
  const moved = new Set<string>();
  let sentRevision = 0;
  let needsWhole = true;
  let cancelTimer: (() => void) | undefined;
  const endings: (() => void)[] = [];

  function stop(): void {
    cancelTimer?.();
    for (const end of endings.splice(0)) end();
  }

  function schedule(ms: number): void {
    cancelTimer ??= deps.setTimer(() => {
      cancelTimer = undefined;
      flush();
    }, ms);
  }

  function flush(): void {
    if (source.face(nodeId) === undefined) {
      stop();
      deps.handleRemoved();
      return;
    }
    if (deps.pendingBytes() > MAX_PENDING_BYTES) {
      needsWhole = true;
      changed.clear();
      moved.clear();
      schedule(SLOW_RETRY_MS);
      return;
    }
    if (needsWhole) sendWhole();
    else if (changed.size > 0) sendDelta(changed);
    changed.clear();
    sendMoved();
  }

  function sendWhole(): void {
    needsWhole = false;
    const map = source.whole(nodeId);
    sentRevision = map.revision;
    deps.send(map);
    noteEverybody();
  }

  function sendDelta(nodeIds: ReadonlySet<string>): void {
    const delta = source.delta(nodeId, sentRevision, nodeIds);
    sentRevision = delta.to;
    deps.send({ kind: 'delta', ...delta });
  }

  /** Presence is in no map, so with every map all of it is told. */
  function noteEverybody(): void {
    for (const { id } of presence.all()) moved.add(id);
  }

  function sendMoved(): void {
    const nodes: Presence[] = [];
    for (const id of moved) {
      const found = presence.get(id);
      if (id !== nodeId && found !== undefined && source.face(id) !== undefined) nodes.push(found);
    }
    moved.clear();
    if (nodes.length > 0) deps.send({ kind: 'presence', nodes });
  }

  return {
    start(has) {
      endings.push(
        source.subscribe((nodeIds) => {
          if (!needsWhole) for (const id of nodeIds) changed.add(id);
          schedule(COALESCE_MS);
        }),
        presence.subscribe((id) => {
          moved.add(id);
          schedule(COALESCE_MS);
        }),
      );
      if (has !== undefined && has.epoch === deps.epoch && has.revision <= source.revision) {
        const missed = has.hash === source.hash(nodeId) ? new Set<string>() : source.changedSince(has.revision);
        if (missed !== undefined) {
          needsWhole = false;
          sentRevision = has.revision;
          sendDelta(missed);
          noteEverybody();
        }
      }
      flush();
    },
    resync() {
      needsWhole = true;
      schedule(COALESCE_MS);
    },
    stop,
  };
}
