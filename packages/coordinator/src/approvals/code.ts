import type { Random } from '../accounts/secret.ts';

/** No vowels, so that no word comes of it, and no signs that are taken for each other. */
const ALPHABET = 'BCDFGHJKLMNPQRSTVWXZ2456789';
const LENGTH = 8;

/** Eight characters as `BCDF-GHJK`: one of 2.8 · 10^11. */
export function newCode(random: Random): string {
  const byte = new Uint8Array(1);
  const limit = 256 - (256 % ALPHABET.length);
  let code = '';
  while (code.length < LENGTH) {
    random(byte);
    if (byte[0]! < limit) code += ALPHABET[byte[0]! % ALPHABET.length];
  }
  return formatCode(code);
}

/** The code as `newCode` gives it, however it was typed; undefined for what cannot be one. */
export function parseCode(typed: string): string | undefined {
  const code = typed.toUpperCase().replace(/[\s-]/g, '');
  const isCode = code.length === LENGTH && [...code].every((letter) => ALPHABET.includes(letter));
  return isCode ? formatCode(code) : undefined;
}

function formatCode(code: string): string {
  return `${code.slice(0, LENGTH / 2)}-${code.slice(LENGTH / 2)}`;
}
