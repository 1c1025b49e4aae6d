/** Tokens that refill evenly over time. */
export interface TokenBucket {
  /** Takes a token; false when there is none. */
  take(now: number): boolean;
}

/** A bucket of `burst` tokens, full at first, refilled by `perSecond`. */
export function createTokenBucket(perSecond: number, burst: number): TokenBucket {
  let tokens = burst;
  let filledAt: number | undefined;
  return {
    take(now) {
      const elapsedMs = Math.max(0, now - (filledAt ?? now));
      tokens = Math.min(burst, tokens + (elapsedMs * perSecond) / 1000);
      filledAt = now;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}
