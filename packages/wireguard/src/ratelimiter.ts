import { ENDPOINT } from '@pcloud/ip';

/** Entries idle this long are collected; their buckets are full by then. Milliseconds. */
const IDLE_TIME = 1_000;

/** A bucket of tokens for each source address: whitepaper 5.3, under load. */
export interface RateLimiter {
  /** Sources that are remembered. */
  readonly size: number;
  /**
   * Takes a token of the source in an endpoint record; false when it has none, when there is no address, or
   * when the table is full of others. IPv6 counts by /64, which one host can have to itself. Allocates nothing.
   */
  allow(endpoints: Int32Array, slot: number, now: number): boolean;
  /** Forgets sources idle for over a second. `allow` does so too, so a timer is not needed. */
  collect(now: number): void;
}

export interface RateLimiterOptions {
  /** Tokens a second that a source regains. Default 20. */
  readonly perSecond?: number;
  /** Tokens that a source starts with and can hold. Default 5. */
  readonly burst?: number;
  /** Sources remembered at a time; when full, new ones are refused rather than old ones forgotten. Default 8192. */
  readonly capacity?: number;
  /** A random word, so that sources cannot be chosen to share a chain. Default 0. */
  readonly seed?: number;
}

/** A limiter in memory of a fixed size: about 60 bytes a source of the capacity. */
export function createRateLimiter(options: RateLimiterOptions = {}): RateLimiter {
  const { perSecond = 20, burst = 5, capacity = 8192, seed = 0 } = options;
  const cost = 1000 / perSecond;
  const most = burst * cost;
  const buckets = 2 ** Math.ceil(Math.log2(Math.max(2, capacity)));

  // Entry 0 is no entry, and the ring's anchor: `newer[0]` is the oldest, `older[0]` the newest.
  const families = new Uint8Array(capacity + 1);
  const firstWords = new Int32Array(capacity + 1);
  const secondWords = new Int32Array(capacity + 1);
  const tokens = new Float64Array(capacity + 1);
  const usedAt = new Float64Array(capacity + 1);
  const older = new Int32Array(capacity + 1);
  const newer = new Int32Array(capacity + 1);
  const chains = new Int32Array(buckets);
  const nextInChain = new Int32Array(capacity + 1);
  let size = 0;
  let untouched = 1;
  let free = 0;

  const bucketOf = (family: number, first: number, second: number): number => {
    let hash = Math.imul(first ^ seed, 0x9e37_79b1);
    hash = Math.imul(hash ^ (hash >>> 15) ^ second, 0x85eb_ca6b);
    hash = Math.imul(hash ^ (hash >>> 13) ^ family ^ seed, 0xc2b2_ae35);
    return ((hash ^ (hash >>> 16)) >>> 0) & (buckets - 1);
  };

  const unlink = (entry: number): void => {
    newer[older[entry]!] = newer[entry]!;
    older[newer[entry]!] = older[entry]!;
  };

  const appendAsNewest = (entry: number): void => {
    const newest = older[0]!;
    older[entry] = newest;
    newer[entry] = 0;
    newer[newest] = entry;
    older[0] = entry;
  };

  const forget = (entry: number): void => {
    unlink(entry);
    const bucket = bucketOf(families[entry]!, firstWords[entry]!, secondWords[entry]!);
    if (chains[bucket] === entry) {
      chains[bucket] = nextInChain[entry]!;
    } else {
      let before = chains[bucket]!;
      while (nextInChain[before] !== entry) before = nextInChain[before]!;
      nextInChain[before] = nextInChain[entry]!;
    }
    nextInChain[entry] = free;
    free = entry;
    size--;
  };

  const collect = (now: number): void => {
    for (let oldest = newer[0]!; oldest !== 0 && now - usedAt[oldest]! > IDLE_TIME; oldest = newer[0]!) forget(oldest);
  };

  const takeEntry = (): number => {
    if (free === 0) return untouched <= capacity ? untouched++ : 0;
    const entry = free;
    free = nextInChain[entry]!;
    return entry;
  };

  return {
    get size() {
      return size;
    },
    collect,
    allow(endpoints, slot, now) {
      collect(now);
      const at = slot * ENDPOINT.WORDS;
      const family = endpoints[at + ENDPOINT.FAMILY]!;
      if (family !== 4 && family !== 6) return false;
      const first = endpoints[at + ENDPOINT.ADDRESS]!;
      const second = family === 6 ? endpoints[at + ENDPOINT.ADDRESS + 1]! : 0;

      const bucket = bucketOf(family, first, second);
      let entry = chains[bucket]!;
      while (
        entry !== 0 &&
        (firstWords[entry] !== first || secondWords[entry] !== second || families[entry] !== family)
      ) {
        entry = nextInChain[entry]!;
      }

      if (entry === 0) {
        entry = takeEntry();
        if (entry === 0) return false;
        families[entry] = family;
        firstWords[entry] = first;
        secondWords[entry] = second;
        tokens[entry] = most;
        nextInChain[entry] = chains[bucket]!;
        chains[bucket] = entry;
        size++;
      } else {
        tokens[entry] = Math.min(most, tokens[entry]! + Math.max(0, now - usedAt[entry]!));
        unlink(entry);
      }
      usedAt[entry] = now;
      appendAsNewest(entry);
      if (tokens[entry]! < cost) return false;
      tokens[entry] = tokens[entry]! - cost;
      return true;
    },
  };
}
