/** How much each of many subjects has used of what is given back over time. */
export interface RateLimiter {
  /** Milliseconds until the subject may take one; 0 when it may now. */
  waitMs(subject: LimitedSubject): number;
  take(subject: LimitedSubject): void;
  giveBack(subject: LimitedSubject): void;
}

export interface LimitedSubject {
  readonly key: string;
  /** What may be taken at once. */
  readonly burst: number;
  /** After this there is one more. */
  readonly regainMs: number;
}

/**
 * @param now milliseconds
 * @param maxSubjects remembered; the one that has been quiet longest is forgotten first
 */
export function createRateLimiter(now: () => number, maxSubjects: number): RateLimiter {
  const used = new Map<string, { count: number; at: number }>();

  /** What has not been given back yet. */
  function countOf({ key, regainMs }: LimitedSubject): number {
    const known = used.get(key);
    if (!known) return 0;
    return Math.max(0, known.count - Math.max(0, now() - known.at) / regainMs);
  }

  function set(key: string, count: number): void {
    used.delete(key);
    if (count > 0) used.set(key, { count, at: now() });
    for (const oldest of used.keys()) {
      if (used.size <= maxSubjects) break;
      used.delete(oldest);
    }
  }

  return {
    waitMs: (subject) => Math.max(0, Math.ceil((countOf(subject) + 1 - subject.burst) * subject.regainMs)),
    take: (subject) => set(subject.key, countOf(subject) + 1),
    giveBack: (subject) => set(subject.key, countOf(subject) - 1),
  };
}
