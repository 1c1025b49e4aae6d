import { CoordinatorError } from '../errors.ts';

/** Bounds guessing: each attempt takes a token of every name it goes by, and success gives it back. */
export interface FailureLimiter {
  /**
   * Takes the attempt before it is made, so that guesses side by side count as well.
   * @returns what gives it back
   * @throws CoordinatorError RATE_LIMITED with `retryAfterMs`
   */
  attempt(subjects: readonly LimitedSubject[]): () => void;
}

export interface LimitedSubject {
  readonly key: string;
  /** Attempts that may fail at once. */
  readonly burst: number;
  /** After this one more may. */
  readonly regainMs: number;
}

/** Subjects remembered; the one that has been quiet longest is forgotten first. */
const MAX_SUBJECTS = 50_000;

/** @param now milliseconds */
export function createFailureLimiter(now: () => number): FailureLimiter {
  const used = new Map<string, { count: number; at: number }>();

  /** Failures that still count. */
  function countOf({ key, regainMs }: LimitedSubject): number {
    const known = used.get(key);
    if (!known) return 0;
    return Math.max(0, known.count - Math.max(0, now() - known.at) / regainMs);
  }

  function set(key: string, count: number): void {
    used.delete(key);
    if (count > 0) used.set(key, { count, at: now() });
    for (const oldest of used.keys()) {
      if (used.size <= MAX_SUBJECTS) break;
      used.delete(oldest);
    }
  }

  return {
    attempt(subjects) {
      for (const subject of subjects) {
        const excess = countOf(subject) + 1 - subject.burst;
        if (excess <= 0) continue;
        const retryAfterMs = Math.ceil(excess * subject.regainMs);
        const seconds = Math.ceil(retryAfterMs / 1_000);
        throw new CoordinatorError('RATE_LIMITED', `too many failed attempts; try again in ${seconds} s`, {
          retryAfterMs,
        });
      }
      for (const subject of subjects) set(subject.key, countOf(subject) + 1);
      return () => {
        for (const subject of subjects) set(subject.key, countOf(subject) - 1);
      };
    },
  };
}
