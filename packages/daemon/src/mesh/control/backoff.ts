/** Milliseconds between two tries. */
const SHORTEST_MS = 500;
const LONGEST_MS = 30_000;

/** How long to wait between tries: longer each time, and different on every machine, so that they do not come all at once. */
export interface Backoff {
  /** Milliseconds until the next try, 500 to 30,000. */
  next(): number;
  /** Milliseconds until a try that will most likely be refused again, 15,000 to 30,000. */
  slow(): number;
  /** It worked: the next wait is short again. */
  reset(): void;
}

/** @param random a number from 0 up to 1 */
export function createBackoff(random: () => number): Backoff {
  let limitMs = 2 * SHORTEST_MS;
  return {
    next() {
      const waitMs = SHORTEST_MS + random() * (limitMs - SHORTEST_MS);
      limitMs = Math.min(2 * limitMs, LONGEST_MS);
      return waitMs;
    },
    slow: () => LONGEST_MS / 2 + (random() * LONGEST_MS) / 2,
    reset() {
      limitMs = 2 * SHORTEST_MS;
    },
  };
}
