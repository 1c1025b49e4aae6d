import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from './log.ts';
import { replaceFile } from './replace-file.ts';

/** Keeps the handshake stamp that a key has reserved, so that stamps grow even when the clock of the machine does not. */
export interface StampStore {
  /** The reserved stamp of a key, 12 bytes, or undefined when there is none. */
  load(publicKey: Uint8Array): Uint8Array | undefined;
  /** Has the stamp on disk before it returns. A directory that cannot be written to is warned of once. */
  save(publicKey: Uint8Array, stamp: Uint8Array): void;
}

export interface StampStoreDeps {
  /** A hash of at least 8 bytes: file names do not tell the key. */
  readonly hash: (publicKey: Uint8Array) => Uint8Array;
  readonly log: Logger;
}

const STAMP_BYTES = 12;

/**
 * A store of one file a key.
 * @param directory made on first use, mode 0700
 */
export function createStampStore(directory: string, deps: StampStoreDeps): StampStore {
  let warned = false;
  const warn = (error: unknown): void => {
    if (warned) return;
    warned = true;
    deps.log.warn(
      { directory, code: codeOf(error) },
      'handshake stamps cannot be kept; a clock that goes back locks peers out',
    );
  };
  const pathOf = (publicKey: Uint8Array): string => {
    const name = Buffer.from(deps.hash(publicKey).subarray(0, 8)).toString('hex');
    return join(directory, `stamp-${name}`);
  };
  return {
    load(publicKey) {
      try {
        const stamp = readFileSync(pathOf(publicKey));
        return stamp.length === STAMP_BYTES ? new Uint8Array(stamp) : undefined;
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') warn(error);
        return undefined;
      }
    },
    save(publicKey, stamp) {
      try {
        mkdirSync(directory, { recursive: true, mode: 0o700 });
        replaceFile(pathOf(publicKey), stamp);
      } catch (error) {
        warn(error);
      }
    },
  };
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown';
}
