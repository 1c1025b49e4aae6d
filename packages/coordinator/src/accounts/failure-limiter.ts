import { CoordinatorError } from '../errors.ts';
import { createRateLimiter, type LimitedSubject } from '../rate-limiter.ts';

export type { LimitedSubject } from '../rate-limiter.ts';

/** Bounds guessing: each attempt takes a token of every name it goes by, and success gives it back. */
export interface FailureLimiter {
  /**
   * Takes the attempt before it is made, so that guesses side by side count as well.
   * @returns what gives it back
   * @throws CoordinatorError RATE_LIMITED with `retryAfterMs`
   */
  attempt(subjects: readonly LimitedSubject[]): () => void;
}

const MAX_SUBJECTS = 50_000;

/** @param now milliseconds */
export function createFailureLimiter(now: () => number): FailureLimiter {
  const limiter = createRateLimiter(now, MAX_SUBJECTS);
  return {
    attempt(subjects) {
      for (const subject of subjects) {
        const retryAfterMs = limiter.waitMs(subject);
        if (retryAfterMs === 0) continue;
        const seconds = Math.ceil(retryAfterMs / 1_000);
        throw new CoordinatorError('RATE_LIMITED', `too many failed attempts; try again in ${seconds} s`, {
          retryAfterMs,
        });
      }
      for (const subject of subjects) limiter.take(subject);
      return () => {
        for (const subject of subjects) limiter.giveBack(subject);
      };
    },
  };
}
