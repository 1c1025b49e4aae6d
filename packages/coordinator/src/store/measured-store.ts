import { startsWith } from './_bytes.ts';
import type { Store } from './store.ts';

/** What a store did since the start. */
export interface StoreFigures {
  /** `conflict`: a comparison did not hold. */
  readonly commits: Readonly<Record<'committed' | 'conflict' | 'failed', number>>;
  readonly seconds: Histogram;
  /** Keys put below each of the prefixes that were asked for, by prefix. */
  readonly puts: Readonly<Record<string, number>>;
}

export interface Histogram {
  /** Upper bounds, ascending, with how many were at or below each. */
  readonly buckets: readonly { readonly bound: number; readonly count: number }[];
  readonly count: number;
  readonly sum: number;
}

export interface MeasuredStore extends Store {
  figures(): StoreFigures;
  /** Why the last commit failed, if it did. */
  readonly fault: unknown;
}

/** A synced commit takes a fraction of a millisecond on an SSD, and tens of them on a disk that spins. Seconds. */
const BOUNDS = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/**
 * A store that counts its commits and how long they take.
 * @param now monotonic milliseconds
 * @param prefixes of keys that are counted
 */
export function measureStore(inner: Store, now: () => number, prefixes: readonly string[]): MeasuredStore {
  const commits = { committed: 0, conflict: 0, failed: 0 };
  const counts = BOUNDS.map(() => 0);
  const puts = Object.fromEntries(prefixes.map((prefix) => [prefix, 0]));
  const starts = prefixes.map((prefix) => ({ prefix, bytes: Buffer.from(prefix) }));
  let fault: unknown;
  let sum = 0;
  let count = 0;

  function note(startedAt: number): void {
    const seconds = (now() - startedAt) / 1_000;
    sum += seconds;
    count += 1;
    const at = BOUNDS.findIndex((bound) => seconds <= bound);
    if (at >= 0) counts[at]! += 1;
  }

  return {
    get revision() {
      return inner.revision;
    },
    get: (key) => inner.get(key),
    list: (prefix, options) => inner.list(prefix, options),
    watch: (fromRevision, options) => inner.watch(fromRevision, options),
    grantLease: (ttlMs) => inner.grantLease(ttlMs),
    close: () => inner.close(),
    async commit(commit) {
      const startedAt = now();
      try {
        const result = await inner.commit(commit);
        fault = undefined;
        commits[result.committed ? 'committed' : 'conflict'] += 1;
        if (result.committed) {
          for (const { key, value } of commit.put) {
            for (const { prefix, bytes } of starts) if (value && startsWith(key, bytes)) puts[prefix]! += 1;
          }
        }
        return result;
      } catch (error) {
        commits.failed += 1;
        fault = error;
        throw error;
      } finally {
        note(startedAt);
      }
    },
    get fault() {
      return fault;
    },
    figures() {
      let below = 0;
      const buckets = BOUNDS.map((bound, at) => {
        below += counts[at]!;
        return { bound, count: below };
      });
      return { commits: { ...commits }, seconds: { buckets, count, sum }, puts: { ...puts } };
    },
  };
}
