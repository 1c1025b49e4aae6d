import type { Store } from '../store/index.ts';

/** A store whose commits wait for a test, so that several are decided on one state. */
export interface HeldStore extends Store {
  /** From now on commits wait. */
  hold(): void;
  /** Resolves once so many commits wait, and lets all of them go on. */
  releaseAt(count: number): Promise<void>;
  /** The next commit waits, and those behind it pass it by. Resolves once it waits, with what lets it go on. */
  holdNext(): Promise<() => void>;
}

export function createHeldStore(inner: Store): HeldStore {
  let holding = false;
  let waiting: (() => void)[] = [];
  let wanted = Infinity;
  let reached = (): void => undefined;
  let handOver: ((go: () => void) => void) | undefined;
  return {
    get revision() {
      return inner.revision;
    },
    get: (key) => inner.get(key),
    list: (prefix, options) => inner.list(prefix, options),
    watch: (revision, options) => inner.watch(revision, options),
    grantLease: (ttlMs) => inner.grantLease(ttlMs),
    close: () => inner.close(),
    async commit(commit) {
      const give = handOver;
      handOver = undefined;
      if (give) await new Promise<void>(give);
      if (holding) {
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
          if (waiting.length >= wanted) reached();
        });
      }
      return inner.commit(commit);
    },
    holdNext: () =>
      new Promise((resolve) => {
        handOver = resolve;
      }),
    hold() {
      holding = true;
    },
    async releaseAt(count) {
      if (waiting.length < count) {
        await new Promise<void>((resolve) => {
          wanted = count;
          reached = resolve;
        });
      }
      holding = false;
      for (const go of waiting) go();
      waiting = [];
      wanted = Infinity;
    },
  };
}
