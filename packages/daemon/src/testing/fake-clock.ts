import type { Clock } from '../clock.ts';

/** A clock that a test moves. */
export interface FakeClock extends Clock {
  /** Moves time on, firing timers at their moments, in order. */
  advance(ms: number): void;
  /** The machine sleeps: time moves on, no timer fires, and then the watchers are told. */
  sleep(ms: number): void;
  /** Timers that are set. */
  readonly pending: number;
}

export function createFakeClock(startMs = 1_000, wallOffsetMs = 1_700_000_000_000): FakeClock {
  let now = startMs;
  let timers: { at: number; callback: () => void }[] = [];
  const watchers = new Set<(sleptMs: number) => void>();
  return {
    now: () => now,
    wallMs: () => now + wallOffsetMs,
    setTimer(callback, delayMs) {
      const timer = { at: now + Math.max(0, delayMs), callback };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    watch(onJump) {
      watchers.add(onJump);
      return () => void watchers.delete(onJump);
    },
    advance(ms) {
      const end = now + ms;
      for (;;) {
        const next = timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
        if (!next) break;
        timers = timers.filter((other) => other !== next);
        now = next.at;
        next.callback();
      }
      now = end;
    },
    sleep(ms) {
      now += ms;
      for (const timer of timers) timer.at += ms;
      for (const watcher of watchers) watcher(ms);
    },
    get pending() {
      return timers.length;
    },
  };
}
