import { uptime } from 'node:os';

/** All the time there is for a tunnel, so that a test can own it. */
export interface Clock {
  /** Milliseconds that never step back and count the time the machine slept. */
  now(): number;
  /** Milliseconds since 1970. */
  wallMs(): number;
  /** Calls back once after a delay, which may stand still while the machine sleeps. @returns a function that cancels */
  setTimer(callback: () => void, delayMs: number): () => void;
  /** Calls back after the machine slept, with how long. @returns a function that ends it */
  watch(onJump: (sleptMs: number) => void): () => void;
}

/** What the addon has of a clock. */
export interface NativeClock {
  /** CLOCK_BOOTTIME, milliseconds. */
  bootTimeMs(): number;
  /** Calls back when the wall clock was set or the machine resumed. @returns a function that ends it */
  watchClock(callback: () => void): () => void;
}

/** How often the two clocks are compared, where nobody tells when to, and where the addon does. */
const CHECK_INTERVAL_MS = { alone: 1_000, told: 15_000 } as const;
/** Clocks this far apart have not drifted: the machine slept. The uptime of the system counts in 10 ms. */
const JUMP_MS = 500;
const LONGEST_TIMER_MS = 0x7fff_ffff;

/**
 * The clock of this machine: CLOCK_BOOTTIME where there is an addon, else the monotonic clock put right by
 * the uptime of the system, which counts sleep.
 */
export function createSystemClock(native?: NativeClock): Clock {
  return native
    ? createBoottimeClock(native)
    : createUptimeClock(
        () => uptime() * 1_000,
        () => performance.now(),
      );
}

function createBoottimeClock(native: NativeClock): Clock {
  return {
    ...createTimers(),
    now: () => native.bootTimeMs(),
    watch(onJump) {
      let offset = native.bootTimeMs() - performance.now();
      const check = (): void => {
        const slept = native.bootTimeMs() - performance.now() - offset;
        if (slept < JUMP_MS) return;
        offset += slept;
        onJump(slept);
      };
      const stopRepeating = repeat(check, CHECK_INTERVAL_MS.told);
      const stopWatching = native.watchClock(check);
      return () => {
        stopRepeating();
        stopWatching();
      };
    },
  };
}

/**
 * A clock that counts sleep, made of one that does and is coarse, and one that does not and is fine.
 * @param uptimeMs counts sleep, in steps of 10 ms
 * @param monotonicMs stands still during sleep
 */
export function createUptimeClock(uptimeMs: () => number, monotonicMs: () => number): Clock {
  let offset = uptimeMs() - monotonicMs();
  return {
    ...createTimers(),
    now: () => monotonicMs() + offset,
    watch: (onJump) =>
      repeat(() => {
        const slept = uptimeMs() - monotonicMs() - offset;
        if (slept < JUMP_MS) return;
        offset += slept;
        onJump(slept);
      }, CHECK_INTERVAL_MS.alone),
  };
}

function createTimers(): Pick<Clock, 'wallMs' | 'setTimer'> {
  return {
    wallMs: () => Date.now(),
    setTimer(callback, delayMs) {
      const timer = setTimeout(callback, Math.min(Math.max(0, Math.ceil(delayMs)), LONGEST_TIMER_MS));
      return () => clearTimeout(timer);
    },
  };
}

function repeat(check: () => void, intervalMs: number): () => void {
  const timer = setInterval(check, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}
