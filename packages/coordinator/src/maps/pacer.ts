import type { Load } from './load.ts';

/** Does something as often as it is asked to, but not in quick succession: at once, then once for all that came since. */
export interface Pacer {
  /** It is due. */
  request(): void;
  /** It is done now, and what was due with it. */
  run(): void;
  stop(): void;
}

/**
 * @param load tells the least time between two times, and is told what they take
 * @param setTimer calls back once after so many milliseconds, and returns what cancels it
 */
export function createPacer(
  act: () => void,
  load: Load,
  setTimer: (callback: () => void, ms: number) => () => void,
): Pacer {
  let isDue = false;
  let cancel: (() => void) | undefined;

  function wait(ms: number): void {
    cancel = setTimer(() => {
      cancel = undefined;
      if (isDue) run();
    }, ms);
  }

  function run(): void {
    isDue = false;
    cancel?.();
    wait(load.gatherMs());
    load.spend(act);
  }

  return {
    request() {
      isDue = true;
      if (cancel === undefined) wait(0);
    },
    run,
    stop() {
      isDue = false;
      cancel?.();
      cancel = undefined;
    },
  };
}
