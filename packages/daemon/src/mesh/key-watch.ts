/** How long this device's key holds, as a server told: warnings before it ends, and its replacement in time. */
import type { ServerMessage } from '@pcloud/netmap';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';

export interface KeyStatus {
  /** It sees nobody and nobody sees it until the key is renewed. */
  readonly isExpired: boolean;
  /** Null for never. */
  readonly expiresInMs: number | null;
}

export interface KeyWatch {
  /** By the time that has passed here since a server told; null before. */
  readonly status: KeyStatus | null;
  /** How often it was renewed, since the start. */
  readonly renewals: number;
  handleKey(message: Extract<ServerMessage, { kind: 'key' }>): void;
  /** What was told is forgotten. */
  stop(): void;
}

export interface KeyWatchDeps {
  readonly clock: Pick<Clock, 'now' | 'setTimer'>;
  readonly random: (out: Uint8Array) => void;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** Replaces the key. */
  readonly rotate: () => Promise<unknown>;
}

const DAY_MS = 86_400_000;
/** Days before the end at which there is a warning. */
export const KEY_WARNINGS: readonly number[] = [14, 7, 1];
/** How often it is looked at, and what replacements of many devices at once are spread over. */
const LOOK_MS = 3_600_000;
/** Two tellings of one moment differ by less. */
const SAME_MS = 60_000;

export function createKeyWatch({ clock, random, log, rotate }: KeyWatchDeps): KeyWatch {
  let isExpired = false;
  let isTold = false;
  /** Of our clock; infinite for never. */
  let expiresAt = Number.POSITIVE_INFINITY;
  let rotatesAt = Number.POSITIVE_INFINITY;
  /** The least of `KEY_WARNINGS` that was given. */
  let warnedDays = Number.POSITIVE_INFINITY;
  let renewals = 0;
  let cancel: (() => void) | undefined;

  function warn(): void {
    const leftMs = expiresAt - clock.now();
    const days = KEY_WARNINGS.findLast((each) => leftMs <= each * DAY_MS);
    if (isExpired || days === undefined || days >= warnedDays) return;
    warnedDays = days;
    const left = Math.max(0, Math.round(leftMs / 3_600_000));
    log.warn({ hours: left }, 'the key of this device expires soon; "pcloud login" has it renewed');
  }

  function look(): void {
    cancel?.();
    cancel = undefined;
    warn();
    if (clock.now() >= rotatesAt) {
      // Once a look, whether it works or not: with success another time is told.
      rotate().catch((error: Error) => log.warn({ why: error.message }, 'the key was not replaced; it is tried again'));
    }
    const isQuiet = expiresAt === Number.POSITIVE_INFINITY && rotatesAt === Number.POSITIVE_INFINITY;
    if (isQuiet) return;
    const dueMs = rotatesAt - clock.now();
    cancel = clock.setTimer(look, dueMs > 0 ? Math.min(LOOK_MS, dueMs) : LOOK_MS);
  }

  function spread(): number {
    const word = new Uint32Array(1);
    random(new Uint8Array(word.buffer));
    return (LOOK_MS * word[0]!) / 2 ** 32;
  }

  return {
    get status() {
      if (!isTold) return null;
      const leftMs = Math.max(0, expiresAt - clock.now());
      return { isExpired, expiresInMs: leftMs === Number.POSITIVE_INFINITY ? null : leftMs };
    },
    get renewals() {
      return renewals;
    },
    handleKey({ isExpired: isNow, expiresInMs = Number.POSITIVE_INFINITY, rotatesInMs = Number.POSITIVE_INFINITY }) {
      const nextExpiresAt = clock.now() + expiresInMs;
      const isLater = nextExpiresAt > expiresAt + SAME_MS;
      if (isTold && !isNow && (isExpired || isLater)) {
        renewals += 1;
        log.info({}, 'the key of this device was renewed');
      }
      if (isLater) warnedDays = Number.POSITIVE_INFINITY;
      if (isNow && !isExpired) {
        log.error(
          {},
          'the key of this device has expired; "pcloud login" has it renewed, or "pcloud nodes renew" elsewhere',
        );
      }
      isExpired = isNow;
      isTold = true;
      expiresAt = nextExpiresAt;
      // What is due is done at another moment on each of many devices that were told at once.
      rotatesAt = clock.now() + rotatesInMs + (rotatesInMs === Number.POSITIVE_INFINITY ? 0 : spread());
      look();
    },
    stop() {
      cancel?.();
      cancel = undefined;
      isTold = false;
      isExpired = false;
      expiresAt = Number.POSITIVE_INFINITY;
      rotatesAt = Number.POSITIVE_INFINITY;
    },
  };
}
