/** A key with its certificates on disk, in one file so that both are always of one kind. */
import { readFileSync } from 'node:fs';
import { replacePrivateFile } from '../../private-file.ts';
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
  replacePrivateFile(path, `${key}\n${chain}\n`);
}

export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
