import type { StoreClock } from '../store/backend.ts';

/** A clock that a test moves. */
export interface FakeTimers extends StoreClock {
  /** Moves time on, firing timers at their moments, in order. */
  advance(ms: number): void;
}

const NEVER = { at: Number.POSITIVE_INFINITY, callback: () => {} };

export function createFakeTimers(): FakeTimers {
  let now = 1_000;
  let timers: { readonly at: number; readonly callback: () => void }[] = [];
  return {
    now: () => now,
    setTimer(callback, delayMs) {
      const timer = { at: now + delayMs, callback };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    advance(ms) {
      const end = now + ms;
      for (;;) {
        const next = timers.reduce((first, timer) => (timer.at < first.at ? timer : first), NEVER);
        if (next.at > end) break;
        timers = timers.filter((other) => other !== next);
        now = next.at;
        next.callback();
      }
      now = end;
    },
  };
}
