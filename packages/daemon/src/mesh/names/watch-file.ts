import { type FSWatcher, realpathSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Clock } from '../../clock.ts';

/** What watching cannot see, as where something is mounted over the file, is seen by a look now and then. Milliseconds. */
const LOOK_MS = 5_000;
/** Writers take several steps. Milliseconds. */
const SETTLE_MS = 100;

/**
 * Calls back when a file may have changed, or the one that a link at its path leads to.
 * @returns a function that ends it
 */
export function watchFile(path: string, clock: Pick<Clock, 'setTimer'>, changed: () => void): () => void {
  let watchers: FSWatcher[] = [];
  let cancelSettle: (() => void) | undefined;
  let cancelLook: (() => void) | undefined;
  let watched = '';

  function tell(): void {
    cancelSettle ??= clock.setTimer(() => {
      cancelSettle = undefined;
      rewatch();
      changed();
    }, SETTLE_MS);
  }

  function watchOne(target: string, name: string | undefined): void {
    try {
      const watcher = watch(target, { persistent: false }, (_event, found) => {
        if (name === undefined || found === null || found === name) tell();
      });
      watcher.on('error', () => watcher.close());
      watchers.push(watcher);
    } catch {
      // The look now and then has to do.
    }
  }

  /** Names are watched in their directories, since a new file under a name is another one. */
  function rewatch(): void {
    const real = realPathOf(path);
    const paths = [...new Set([path, real])].filter((each) => each !== undefined);
    // A file that was written anew under its name has to be watched anew, so this is not spared.
    for (const watcher of watchers) watcher.close();
    watchers = [];
    watched = real ?? '';
    for (const each of paths) watchOne(dirname(each), basename(each));
    if (real !== undefined) watchOne(real, undefined);
  }

  function look(): void {
    cancelLook = clock.setTimer(look, LOOK_MS);
    if ((realPathOf(path) ?? '') !== watched) rewatch();
    changed();
  }

  rewatch();
  cancelLook = clock.setTimer(look, LOOK_MS);
  return () => {
    for (const watcher of watchers) watcher.close();
    cancelSettle?.();
    cancelLook?.();
  };
}

function realPathOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
