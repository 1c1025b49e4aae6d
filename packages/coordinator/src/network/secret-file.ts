/** Secret keys on disk: one file each, readable by its owner alone. */
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { decodeBase64, encodeBase64 } from '@pcloud/netmap';
import { CoordinatorError } from '../errors.ts';

const KEY_BYTES = 32;

/**
 * The 32 bytes in the file, or undefined when there is no file.
 * @throws CoordinatorError KEY_FILE_INVALID
 */
export function readKeyFile(path: string): Uint8Array | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'latin1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unusable(path, (error as Error).message, error);
  }
  const key = decodeBase64(text.trim(), KEY_BYTES);
  if (key === undefined) throw unusable(path, 'expected 44 characters of base64');
  return key;
}

/**
 * Makes the file, mode 0600, and has it on disk before it returns. One that is there already stays, and its
 * key is the answer: two that start at once have the same.
 * @throws CoordinatorError KEY_FILE_INVALID
 */
export function createKeyFile(path: string, key: Uint8Array): Uint8Array {
  const temporary = `${path}.${process.pid}`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const file = openSync(temporary, 'w', 0o600);
    try {
      writeSync(file, `${encodeBase64(key)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    linkSync(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unusable(path, (error as Error).message, error);
  } finally {
    removeIfThere(temporary);
  }
  syncDirectory(dirname(path));
  return readKeyFile(path)!;
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // it never came to be
  }
}

function syncDirectory(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

function unusable(path: string, why: string, cause?: unknown): CoordinatorError {
  return new CoordinatorError(
    'KEY_FILE_INVALID',
    `key file "${path}": ${why}; put it back from a backup, the network cannot do without it`,
    { cause },
  );
}
