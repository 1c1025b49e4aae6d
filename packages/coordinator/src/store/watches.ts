import type { State } from './_state.ts';
import { type StoreChange, StoreError } from './store.ts';

export interface WatchesDeps {
  readonly state: () => State;
  /** Resolves once all commits asked for so far are done. */
  readonly settle: () => Promise<void>;
  readonly isClosed: () => boolean;
}

/** Watchers are cursors over the change log: a slow one costs nothing, and is told when it fell behind. */
export interface Watches {
  watch(fromRevision: number, wants: (key: Uint8Array) => boolean, signal: AbortSignal): AsyncIterable<StoreChange>;
  /** There may be something new. */
  wake(): void;
}

export function createWatches(deps: WatchesDeps): Watches {
  const waiting = new Set<() => void>();

  function nextWake(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      waiting.add(done);
      signal.addEventListener('abort', done);
    });
  }

  return {
    async *watch(fromRevision, wants, signal) {
      // A reader can see a commit a moment before it counts here.
      if (fromRevision > deps.state().revision) await deps.settle();
      if (fromRevision > deps.state().revision) {
        throw new StoreError('COMPACTED', `watch: revision ${fromRevision} is of another store`);
      }
      let seen = fromRevision;
      while (!signal.aborted) {
        const { revision, changes } = deps.state();
        if (seen < changes.compacted) {
          throw new StoreError('COMPACTED', `watch: revision ${seen} is before ${changes.compacted}`);
        }
        if (seen === revision) {
          if (deps.isClosed()) throw new StoreError('CLOSED', 'watch: the store is closed');
          await nextWake(signal);
          continue;
        }
        seen += 1;
        const puts = changes.at(seen)!.puts.filter(({ key }) => wants(key));
        if (puts.length > 0) yield { revision: seen, puts };
      }
    },
    wake() {
      for (const done of [...waiting]) done();
    },
  };
}
