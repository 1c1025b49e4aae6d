/** A key with its certificates on disk, in one file so that both are always of one kind. */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Certificate } from './certificate.ts';

const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/g;
const KEY = /-----BEGIN ((?:EC |RSA )?PRIVATE KEY)-----[^-]+-----END \1-----\n?/;

/** Undefined when there is no such file or nothing of use in it: another can be made. */
export function readPemFile(path: string): Certificate | undefined {
  const text = readText(path) ?? '';
  const chain = text.match(CERTIFICATES)?.join('');
  const key = text.match(KEY)?.[0];
  return chain && key ? { chain: chain.trim(), key: key.trim() } : undefined;
}

export function writePemFile(path: string, { chain, key }: Certificate): void {
  writePrivateFile(path, `${key}\n${chain}\n`);
}

export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whole or not at all, mode 0600. */
export function writePrivateFile(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}`;
  const file = openSync(temporary, 'w', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}
