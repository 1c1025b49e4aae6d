import { createEndpoint, parseAddress, sameEndpoint } from '@pcloud/ip';
import type { Peer } from '@pcloud/wireguard';
import type { Clock } from './clock.ts';
import type { NamedEndpoint } from './endpoint-config.ts';
import type { Logger } from './log.ts';

/** Endpoints that were given as names, resolved again where the address they had does not answer. */
export interface EndpointNames {
  /** An initiation to this peer stayed unanswered. */
  handleRetry(peer: Peer): void;
  /** A handshake is complete: what the peer has works, and is left alone. */
  handleComplete(peer: Peer): void;
  /** Looks for peers that should have talked and have not. Call now and then. */
  check(peers: Iterable<Peer>): void;
  /** Answers that are under way are ignored. */
  stop(): void;
}

export interface EndpointNamesDeps {
  /** What the configuration has now, by public key in base64. */
  readonly readNames: () => Promise<ReadonlyMap<string, NamedEndpoint>>;
  /** Addresses of a host, A and AAAA together. Rejects when there are none. */
  readonly resolve: (host: string) => Promise<readonly string[]>;
  /** Gives the peer the endpoint, if it is still there, and does what follows from it. */
  readonly setEndpoint: (peer: Peer, endpoint: Int32Array) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A handshake of this age should have been followed by another one: REKEY_AFTER_TIME and two tries. */
const STALE_MS = 135_000;
const FIRST_BACKOFF_MS = 5_000;
const LAST_BACKOFF_MS = 60_000;
/** Resolving takes threads that files need too. */
const LOOKUPS_AT_ONCE = 2;

interface Entry {
  candidates: Int32Array[];
  nextLookupAt: number;
  backoffMs: number;
  busy: boolean;
}

export function createEndpointNames(deps: EndpointNamesDeps): EndpointNames {
  const entries = new WeakMap<Peer, Entry>();
  let lookups = 0;
  let stopped = false;

  function isStale(peer: Peer): boolean {
    const ageMs = deps.clock.wallMs() - peer.lastHandshakeWallMs;
    // A clock that was put back says nothing of the age.
    return ageMs > STALE_MS || ageMs < 0;
  }

  function retry(peer: Peer): void {
    // A session that is fresh answers where the peer is now, wherever the name points.
    if (stopped || !isStale(peer) || !peer.copyEndpoint()) return;
    let entry = entries.get(peer);
    if (!entry) {
      entry = { candidates: [], nextLookupAt: 0, backoffMs: FIRST_BACKOFF_MS, busy: false };
      entries.set(peer, entry);
    }
    if (entry.busy) return;
    const now = deps.clock.now();
    if (now >= entry.nextLookupAt && lookups < LOOKUPS_AT_ONCE) void lookup(peer, entry, now);
    else moveOn(peer, entry);
  }

  async function lookup(peer: Peer, entry: Entry, now: number): Promise<void> {
    entry.busy = true;
    lookups += 1;
    entry.nextLookupAt = now + entry.backoffMs;
    entry.backoffMs = Math.min(entry.backoffMs * 2, LAST_BACKOFF_MS);
    try {
      const named = (await deps.readNames()).get(keyOf(peer));
      entry.candidates = named ? toEndpoints(await deps.resolve(named.host), named.port) : [];
    } catch (error) {
      deps.log.debug({ code: (error as NodeJS.ErrnoException).code ?? 'unknown' }, 'endpoint name not resolved');
    } finally {
      entry.busy = false;
      lookups -= 1;
    }
    if (!stopped && isStale(peer)) moveOn(peer, entry);
  }

  /** Tries the addresses of the name in turn: after the one that did not answer, the next. */
  function moveOn(peer: Peer, entry: Entry): void {
    const current = peer.copyEndpoint();
    const { candidates } = entry;
    if (!current || candidates.length === 0) return;
    const failed = candidates.findIndex((candidate) => isSame(candidate, current));
    const next = candidates[(failed + 1) % candidates.length]!;
    if (isSame(next, current)) return;
    deps.log.info({ peer: shortName(peer) }, 'endpoint name resolved again');
    deps.setEndpoint(peer, next);
  }

  return {
    handleRetry: retry,
    handleComplete(peer) {
      entries.delete(peer);
    },
    check(peers) {
      for (const peer of peers) {
        const wantsToTalk = peer.keepaliveIntervalSeconds > 0 || peer.reason === 'no-reply';
        if (wantsToTalk && peer.reason !== 'down') retry(peer);
      }
    },
    stop() {
      stopped = true;
    },
  };
}

function toEndpoints(addresses: readonly string[], port: number): Int32Array[] {
  const endpoints: Int32Array[] = [];
  for (const text of addresses) {
    const address = parseAddress(text);
    if (address) endpoints.push(createEndpoint(address, port));
  }
  return endpoints;
}

function isSame(a: Int32Array, b: Int32Array): boolean {
  const pair = new Int32Array(a.length + b.length);
  pair.set(a);
  pair.set(b, a.length);
  return sameEndpoint(pair, 0, 1);
}

function keyOf(peer: Peer): string {
  return Buffer.from(peer.publicKey).toString('base64');
}

/** A peer's key as logs show it: enough to tell peers apart. */
export function shortName(peer: Peer): string {
  const key = keyOf(peer);
  return `${key.slice(0, 4)}…${key.slice(39, 43)}`;
}
