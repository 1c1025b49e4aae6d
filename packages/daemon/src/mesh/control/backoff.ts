/** Milliseconds between two tries. */
const SHORTEST_MS = 500;
const LONGEST_MS = 30_000;
/** How often in a row the wait of one who yields is doubled: up to half an hour. */
const MOST_DOUBLINGS = 6;

/** How long to wait between tries: longer each time, and different on every machine, so that they do not come all at once. */
export interface Backoff {
  /** Milliseconds until the next try, 500 to 30,000. */
  next(): number;
  /** Milliseconds until a try that will most likely be refused again, 15,000 to 30,000. */
  slow(): number;
  /**
   * Milliseconds until a try that takes the channel from another machine with our keys: 15,000 to 30,000, twice as
   * many each time in a row, so that the two do not take it from each other without end.
   */
  yield(): number;
  /** It worked: the next wait is short again. */
  reset(): void;
}

/** @param random a number from 0 up to 1 */
export function createBackoff(random: () => number): Backoff {
  let limitMs = 2 * SHORTEST_MS;
  let yields = 0;
  const slow = (): number => LONGEST_MS / 2 + (random() * LONGEST_MS) / 2;
  return {
    next() {
      const waitMs = SHORTEST_MS + random() * (limitMs - SHORTEST_MS);
      limitMs = Math.min(2 * limitMs, LONGEST_MS);
      return waitMs;
    },
    slow,
    yield: () => slow() * 2 ** Math.min(yields++, MOST_DOUBLINGS),
    reset() {
      limitMs = 2 * SHORTEST_MS;
      yields = 0;
    },
  };
}
