/**
 * How long changes are gathered before they are told: shortly while there is little to do, and the longer the more
 * of the time telling takes. Of a thousand devices that come at once each is news to all others: told one by one
 * that would keep them from coming.
 */
export interface Load {
  /** Milliseconds to gather for, from now on. */
  gatherMs(): number;
  /** Does something whose time counts. */
  spend(act: () => void): void;
}

/** From the least to the most; a change is to reach everybody within 2 s. */
export const GATHER_MS = { LEAST: 100, MOST: 1_000 } as const;
/** What was spent counts for half after so long. */
const HALF_LIFE_MS = 500;
/** The share of the time from which on the most is gathered. */
const FULL_SHARE = 0.4;

/** @param now monotonic milliseconds */
export function createLoad(now: () => number): Load {
  let spentMs = 0;
  let at = now();
  let depth = 0;

  function age(): void {
    const passedMs = now() - at;
    spentMs *= 0.5 ** (passedMs / HALF_LIFE_MS);
    at += passedMs;
  }

  return {
    gatherMs() {
      age();
      // Under a steady share it is what was spent in this time.
      const share = (spentMs * Math.LN2) / HALF_LIFE_MS;
      return Math.min(GATHER_MS.MOST, Math.max(GATHER_MS.LEAST, (GATHER_MS.MOST * share) / FULL_SHARE));
    },
    spend(act) {
      const startedAt = now();
      depth += 1;
      try {
        act();
      } finally {
        depth -= 1;
        age();
        // Within another one it is a part of that.
        if (depth === 0) spentMs += now() - startedAt;
      }
    },
  };
}
