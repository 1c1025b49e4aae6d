import type { Logger } from '../log.ts';
import { isRootHere } from './root-key.ts';

const DAY_MS = 86_400_000;

export interface ReminderDeps {
  readonly log: Pick<Logger, 'warn'>;
  /** @returns what cancels it */
  readonly setTimer: (callback: () => void, ms: number) => () => void;
}

/** Says in the log, now and each day, that the root is on this disk, until it is not. @returns what ends it */
export function startReminder(stateDir: string, { log, setTimer }: ReminderDeps): () => void {
  let cancel = (): void => {};
  function remind(): void {
    if (!isRootHere(stateDir)) return;
    log.warn({}, 'the root of the network is on this disk: take the recovery kit by "pcloud recovery take"');
    cancel = setTimer(remind, DAY_MS);
  }
  remind();
  return () => cancel();
}
