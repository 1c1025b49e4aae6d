/** Who may make us do public-key cryptography, while we are flooded and otherwise: whitepaper 5.3. */
import { createRateLimiter } from './ratelimiter.ts';
import { createTokenBucket } from './token-bucket.ts';

/** How long cookies are asked for after the budget was used up. */
const UNDER_LOAD_TIME = 1_000;
/** The part of the budget that one source may have before only it is asked for a cookie. */
const FAIR_SHARE = 4;

export interface Admission {
  /**
   * What becomes of a handshake message whose MAC1 is valid.
   * @param endpoints table, @param slot whose record is the source.
   * @param hasCookie checks MAC2; called only where it matters.
   */
  decide(endpoints: Int32Array, slot: number, hasCookie: () => boolean, now: number): 'admit' | 'ask-cookie' | 'drop';
}

/**
 * @param handshakesPerSecond what all sources together may cost before each must prove that it owns its
 * address. A single source that takes more than its share is asked alone, and blocks nobody.
 */
export function createAdmission(handshakesPerSecond: number): Admission {
  const share = Math.max(20, handshakesPerSecond / FAIR_SHARE);
  const budget = createTokenBucket(handshakesPerSecond, handshakesPerSecond);
  const fair = createRateLimiter({ perSecond: share, burst: share });
  const proven = createRateLimiter();
  let loadedUntil = Number.NEGATIVE_INFINITY;

  return {
    decide(endpoints, slot, hasCookie, now) {
      if (now >= loadedUntil && fair.allow(endpoints, slot, now)) {
        if (budget.take(now)) return 'admit';
        loadedUntil = now + UNDER_LOAD_TIME;
      }
      if (!hasCookie()) return 'ask-cookie';
      return proven.allow(endpoints, slot, now) ? 'admit' : 'drop';
    },
  };
}
