/** Keeps one connected node's map current: whole once, then what changed, a few times a second at most. */
import type { FilterRule, MapVersion, ServerMessage } from '@pcloud/netmap';
import type { Load } from './load.ts';
import type { MapSource } from './map-source.ts';
import { createPacer } from './pacer.ts';
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
  readonly presence: Pick<PresenceTable, 'whole' | 'subscribe'>;
  readonly epoch: number;
  readonly load: Load;
  readonly send: (message: ServerMessage) => void;
  /** The same, of what is encoded already. */
  readonly sendText: (text: string) => void;
  /** Bytes that were sent and that the node has not taken yet. */
  readonly pendingBytes: () => number;
  /** Calls back once after so many milliseconds, and returns what cancels it. */
  readonly setTimer: (callback: () => void, ms: number) => () => void;
  /** The node is no node any more. Called once, by a change; nothing is sent afterwards. */
  readonly handleRemoved: () => void;
}

/** A node that has not taken so much yet is slow, and is sent nothing more until it is not. */
const MAX_PENDING_BYTES = 1_048_576;
const SLOW_RETRY_MS = 500;
/** More changes that a slow node has not heard of become a whole map. */
const MAX_CHANGED = 4_096;

export function createMapFeed(nodeId: string, deps: MapFeedDeps): MapFeed {
  const { source, presence } = deps;
  const changed = new Set<string>();
  const pacer = createPacer(flush, deps.load, deps.setTimer);
  let sentRevision = 0;
  let sentFilter: readonly FilterRule[] | undefined;
  /** Nodes changed, or what this one lets in. */
  let isDue = false;
  let needsWhole = true;
  /** Changes of presence passed it by, so that it needs all of it. */
  let missesPresence = false;
  let isStopped = false;
  let cancelRetry: (() => void) | undefined;
  const endings: (() => void)[] = [];

  function stop(): void {
    isStopped = true;
    pacer.stop();
    cancelRetry?.();
    for (const end of endings.splice(0)) end();
  }

  function flush(): void {
    if (source.face(nodeId) === undefined) {
      stop();
      deps.handleRemoved();
      return;
    }
    if (isSlow()) return;
    if (needsWhole) sendWhole();
    else if (isDue) sendDelta(changed);
    changed.clear();
    isDue = false;
    if (missesPresence) sendPresence(presence.whole(nodeId));
    missesPresence = false;
  }

  function isSlow(): boolean {
    if (deps.pendingBytes() <= MAX_PENDING_BYTES) return false;
    cancelRetry ??= deps.setTimer(() => {
      cancelRetry = undefined;
      pacer.request();
    }, SLOW_RETRY_MS);
    return true;
  }

  function sendWhole(): void {
    needsWhole = false;
    const map = source.whole(nodeId);
    sentRevision = map.revision;
    sentFilter = map.filter;
    // Presence is in no map, so with every map all of it is told.
    missesPresence = true;
    deps.send(map);
  }

  function sendPresence(messages: readonly string[]): void {
    for (const message of messages) deps.sendText(message);
  }

  function sendDelta(nodeIds: ReadonlySet<string>): void {
    const delta = source.delta(nodeId, sentRevision, nodeIds, sentFilter);
    sentRevision = delta.to;
    sentFilter = source.filter(nodeId);
    deps.send({ kind: 'delta', ...delta });
  }

  /** A delta that is due goes first: else the node would not know whose presence that is. */
  function handlePresence(messages: readonly string[]): void {
    const getsAll = needsWhole || missesPresence;
    if (getsAll || isDue) pacer.run();
    if (getsAll || isStopped) return;
    if (isSlow()) missesPresence = true;
    else sendPresence(messages);
  }

  function handleChanged(nodeIds: ReadonlySet<string>, areKnown: boolean): void {
    isDue = true;
    if (areKnown) missesPresence = true;
    if (!needsWhole) for (const id of nodeIds) changed.add(id);
    if (changed.size > MAX_CHANGED) {
      needsWhole = true;
      changed.clear();
    }
    pacer.request();
  }

  return {
    start(has) {
      endings.push(source.subscribe(nodeId, handleChanged), presence.subscribe(nodeId, handlePresence));
      if (has !== undefined && has.epoch === deps.epoch && has.revision <= source.revision) {
        const missed = has.hash === source.hash(nodeId) ? new Set<string>() : source.changedSince(nodeId, has.revision);
        if (missed !== undefined) {
          needsWhole = false;
          sentRevision = has.revision;
          // As long as it can resume, what it lets in is what it was.
          sentFilter = source.filter(nodeId);
          missesPresence = true;
          sendDelta(missed);
        }
      }
      pacer.run();
    },
    resync() {
      needsWhole = true;
      pacer.request();
    },
    stop,
  };
}
