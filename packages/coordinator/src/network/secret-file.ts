/** Secret keys on disk: one file each, readable by its owner alone. */
import { readFileSync } from 'node:fs';
import { decodeBase64, encodeBase64 } from '@pcloud/netmap';
import { CoordinatorError } from '../errors.ts';
import { createPrivateFile } from '../private-file.ts';

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
  try {
    createPrivateFile(path, `${encodeBase64(key)}\n`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unusable(path, (error as Error).message, error);
  }
  return readKeyFile(path)!;
}

function unusable(path: string, why: string, cause?: unknown): CoordinatorError {
  return new CoordinatorError(
    'KEY_FILE_INVALID',
    `key file "${path}": ${why}; put it back from a backup, the network cannot do without it`,
    { cause },
  );
}
