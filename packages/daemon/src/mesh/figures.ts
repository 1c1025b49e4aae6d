/** What a daemon has to tell of itself to who watches it: numbers and states, and no node's name. */
import type { MeshStatus } from './status.ts';

export interface DaemonFigures {
  readonly state: MeshStatus['state'];
  /** Whether a coordinator is connected. */
  readonly connected: boolean;
  readonly map: { readonly epoch: number; readonly revision: number } | undefined;
  /** Nodes of the map, by why they are or are not reached. */
  readonly peers: Readonly<Record<string, number>>;
  /** Of them, those that the coordinator has for online. */
  readonly online: number;
  /** What happened at peers since the start: `handshake-complete`. */
  readonly events: Readonly<Record<string, number>>;
  /** From and to all peers since the start. */
  readonly rxBytes: number;
  readonly txBytes: number;
  /** Counters of the tunnel that is up: of the device, of the packet filter, of what the kernel refused. */
  readonly device: Readonly<Record<string, number>>;
  readonly filter: Readonly<Record<string, number>>;
  readonly system: Readonly<Record<string, number>>;
  /** What became of questions for names. */
  readonly names: Readonly<Record<string, number>>;
}

/** Bytes of peers that come and go, as sums that only grow. */
export interface Traffic {
  /** @returns the sums with what the peers have had since the last call */
  add(peers: Iterable<{ readonly id: string; readonly rxBytes: number; readonly txBytes: number }>): {
    readonly rxBytes: number;
    readonly txBytes: number;
  };
}

export function createTraffic(): Traffic {
  let rxBytes = 0;
  let txBytes = 0;
  let last = new Map<string, { readonly rxBytes: number; readonly txBytes: number }>();
  return {
    add(peers) {
      const next: typeof last = new Map();
      for (const peer of peers) {
        const before = last.get(peer.id);
        // One that came back counts from zero again.
        const isSame = before !== undefined && before.rxBytes <= peer.rxBytes && before.txBytes <= peer.txBytes;
        rxBytes += peer.rxBytes - (isSame ? before.rxBytes : 0);
        txBytes += peer.txBytes - (isSame ? before.txBytes : 0);
        next.set(peer.id, { rxBytes: peer.rxBytes, txBytes: peer.txBytes });
      }
      last = next;
      return { rxBytes, txBytes };
    },
  };
}

/** How many of each. */
export function tally(words: Iterable<string>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}
