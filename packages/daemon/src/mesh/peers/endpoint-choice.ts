import { formatEndpoint, parseEndpoint } from '@pcloud/ip';
import type { Peer } from '@pcloud/wireguard';

/**
 * Which endpoint each peer is tried at. A peer that answers is left where it is; one that does not is tried at
 * all its candidates at once at first, then at one after the other.
 */
export interface EndpointChoice {
  /** Where a node is said to be, best first. */
  offer(nodeId: string, candidates: readonly string[]): void;
  /** The node has this peer now; its candidates may have come before. */
  attach(nodeId: string, peer: Peer): void;
  /** A node that is no more. */
  forget(nodeId: string): void;
  /** Where a person says that a node is: tried at once, and before all others. */
  insist(nodeId: string, endpoint: string): void;

  handleRetry(nodeId: string): void;
  handleFailed(nodeId: string): void;
  /** A handshake is complete, or the peer moved: where it is now works. */
  handleWorks(nodeId: string, now: number): void;
  /** A handshake starts with a message to this endpoint. @returns where copies of it go */
  handleInitiation(endpoint: Int32Array, now: number): readonly Int32Array[];

  /** The endpoint that last worked, by node. */
  readonly worked: ReadonlyMap<string, string>;
  /** Milliseconds of the last handshake's round trip. */
  latencyOf(nodeId: string): number | undefined;
}

export interface EndpointChoiceDeps {
  /** Gives the peer the endpoint and starts what waits for it. */
  readonly setEndpoint: (peer: Peer, endpoint: Int32Array) => void;
  readonly worked: ReadonlyMap<string, string>;
}

/** Initiations that go to every candidate; later ones go to one at a time. */
const SHOTS = 3;
const MOST_COPIES = 15;
/** A round trip that takes longer was most likely the other side's handshake. */
const LONGEST_ROUND_TRIP_MS = 3_000;

interface Entry {
  peer: Peer | undefined;
  candidates: readonly string[];
  byHand: string | undefined;
  /** Where it is tried at, or was last heard from. */
  place: string | undefined;
  shots: number;
  /** NaN while none is under way. */
  initiatedAt: number;
  latencyMs: number | undefined;
}

export function createEndpointChoice(deps: EndpointChoiceDeps): EndpointChoice {
  const entries = new Map<string, Entry>();
  const worked = new Map(deps.worked);
  /** Which node an endpoint is the place of; one for each node, however often it moves. */
  const places = new Map<string, string>();

  function entryOf(nodeId: string): Entry {
    let entry = entries.get(nodeId);
    if (entry === undefined) {
      entry = {
        peer: undefined,
        candidates: [],
        byHand: undefined,
        place: undefined,
        shots: 0,
        initiatedAt: Number.NaN,
        latencyMs: undefined,
      };
      entries.set(nodeId, entry);
    }
    return entry;
  }

  function listOf(nodeId: string, entry: Entry): string[] {
    const first = [entry.byHand, worked.get(nodeId)].filter((text) => text !== undefined);
    return [...new Set([...first, ...entry.candidates])];
  }

  function leave(nodeId: string, { place }: Entry): void {
    if (place !== undefined && places.get(place) === nodeId) places.delete(place);
  }

  function move(nodeId: string, entry: Entry, text: string): void {
    leave(nodeId, entry);
    entry.place = text;
    places.set(text, nodeId);
  }

  function place(nodeId: string, peer: Peer, text: string): void {
    move(nodeId, entryOf(nodeId), text);
    const endpoint = parseEndpoint(text);
    if (endpoint !== undefined) deps.setEndpoint(peer, endpoint);
  }

  function start(nodeId: string, entry: Entry): void {
    const { peer } = entry;
    if (peer === undefined || isAnswering(peer)) return;
    const current = currentOf(peer);
    const list = listOf(nodeId, entry);
    const [first] = list;
    if (first === undefined || (current !== undefined && list.includes(current))) return;
    place(nodeId, peer, first);
  }

  return {
    worked,
    offer(nodeId, candidates) {
      const entry = entryOf(nodeId);
      if (entry.candidates.join() === candidates.join()) return;
      entry.candidates = candidates;
      entry.shots = 0;
      start(nodeId, entry);
    },
    attach(nodeId, peer) {
      const entry = entryOf(nodeId);
      entry.peer = peer;
      entry.shots = 0;
      entry.initiatedAt = Number.NaN;
      start(nodeId, entry);
    },
    forget(nodeId) {
      leave(nodeId, entryOf(nodeId));
      entries.delete(nodeId);
      worked.delete(nodeId);
    },
    insist(nodeId, endpoint) {
      const entry = entryOf(nodeId);
      entry.byHand = endpoint;
      entry.shots = 0;
      if (entry.peer !== undefined) place(nodeId, entry.peer, endpoint);
    },
    handleRetry(nodeId) {
      const entry = entryOf(nodeId);
      if (entry.peer === undefined || isAnswering(entry.peer)) return;
      const list = listOf(nodeId, entry);
      const current = currentOf(entry.peer);
      const next = list[(current === undefined ? 0 : list.indexOf(current) + 1) % list.length];
      if (next !== undefined && next !== current) place(nodeId, entry.peer, next);
    },
    handleFailed(nodeId) {
      entryOf(nodeId).shots = 0;
    },
    handleWorks(nodeId, now) {
      const entry = entryOf(nodeId);
      const current = entry.peer && currentOf(entry.peer);
      entry.shots = 0;
      if (current !== undefined) {
        worked.set(nodeId, current);
        move(nodeId, entry, current);
      }
      const elapsed = now - entry.initiatedAt;
      entry.initiatedAt = Number.NaN;
      if (elapsed <= LONGEST_ROUND_TRIP_MS) entry.latencyMs = elapsed;
    },
    handleInitiation(endpoint, now) {
      const text = formatEndpoint(endpoint);
      const nodeId = places.get(text);
      const entry = nodeId === undefined ? undefined : entries.get(nodeId);
      if (nodeId === undefined || entry?.peer === undefined) return [];
      entry.initiatedAt = now;
      if (isAnswering(entry.peer) || entry.shots >= SHOTS) return [];
      entry.shots += 1;
      return listOf(nodeId, entry)
        .filter((other) => other !== text)
        .slice(0, MOST_COPIES)
        .map((other) => parseEndpoint(other))
        .filter((other) => other !== undefined);
    },
    latencyOf: (nodeId) => entries.get(nodeId)?.latencyMs,
  };
}

/** Whether there is a session with it that works. */
export function isAnswering(peer: Peer): boolean {
  return peer.reason === 'connected' || peer.reason === 'source-check';
}

function currentOf(peer: Peer): string | undefined {
  const endpoint = peer.copyEndpoint();
  return endpoint && formatEndpoint(endpoint);
}
