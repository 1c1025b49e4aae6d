/**
 * A coordinator that was put back from a backup has forgotten what was revoked since; devices have not. Those whose
 * user may revoke a node tell it again, in the user's name.
 */
import type { Clock } from '../clock.ts';
import { DaemonError } from '../errors.ts';
import type { Logger } from '../log.ts';

export interface Reminder {
  /** There is another map, or more was revoked. */
  handleMap(): void;
  stop(): void;
}

export interface ReminderDeps {
  /** Nodes that the coordinator takes for members although they were revoked, by id. */
  readonly contradicted: () => readonly string[];
  /** Asks the coordinator to revoke one. */
  readonly revoke: (nodeId: string) => Promise<unknown>;
  readonly clock: Pick<Clock, 'setTimer'>;
  readonly random: (out: Uint8Array) => void;
  readonly log: Pick<Logger, 'info' | 'debug'>;
}

/** Most often the map only comes a moment after the list; and of all devices one is enough. */
const FIRST_MS = { least: 5_000, spread: 20_000 } as const;
/** Whose user may not today may tomorrow. */
const AGAIN_MS = 3_600_000;

export function createReminder({ contradicted, revoke, clock, random, log }: ReminderDeps): Reminder {
  let cancel: (() => void) | undefined;

  function schedule(delayMs: number): void {
    cancel = clock.setTimer(() => void remind(), delayMs);
  }

  function firstDelay(): number {
    const byte = new Uint8Array(1);
    random(byte);
    return FIRST_MS.least + (FIRST_MS.spread * byte[0]!) / 256;
  }

  async function remind(): Promise<void> {
    const own = cancel;
    let isAway = false;
    for (const nodeId of contradicted()) {
      try {
        await revoke(nodeId);
        log.info({ node: nodeId }, 'the coordinator was told again of a node that was revoked');
      } catch (error) {
        isAway ||= error instanceof DaemonError && error.code === 'NOT_CONNECTED';
        // Another device was faster, or this one's user may not.
        log.debug({ node: nodeId, why: (error as Error).message }, 'the coordinator was not told of a revoked node');
      }
    }
    if (cancel !== own) return;
    cancel = undefined;
    // With the next connection comes a map.
    if (!isAway && contradicted().length > 0) schedule(AGAIN_MS);
  }

  return {
    handleMap() {
      if (contradicted().length === 0) this.stop();
      else if (cancel === undefined) schedule(firstDelay());
    },
    stop() {
      cancel?.();
      cancel = undefined;
    },
  };
}
