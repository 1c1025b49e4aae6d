import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

const MASK = 0x5a5a_5a5a;
const CHUNK_BYTES = 1 << 20;
const BOOKS_BYTES = 2 ** 32;

/** A secret of 32 bytes, which stays at one place, and what finds it without being found. */
export interface Secret {
  readonly bytes: Uint8Array;
  /** How often it is in the memory of this process, but for itself. */
  copies(): number;
}

/** Makes a secret out of a number. Its words are kept masked, so that the search does not find its own needle. */
export function createSecret(seed: number): Secret {
  const bytes = new Uint8Array(new ArrayBuffer(4096), 0, 32);
  for (let i = 0; i < 32; i++) bytes[i] = (seed * 31 + i * 97 + 0x61) ^ (i << 3);
  const masked = Array.from(new Int32Array(bytes.buffer, 0, 8), (word) => word ^ MASK);
  return {
    bytes,
    copies() {
      const kept = Uint8Array.from(bytes, (byte) => byte ^ 0xff);
      bytes.fill(0);
      const found = countWords(masked);
      for (let i = 0; i < 32; i++) bytes[i] = kept[i]! ^ 0xff;
      return found;
    },
  };
}

function countWords(masked: readonly number[]): number {
  const memory = openSync('/proc/self/mem', 'r');
  const chunk = new Int32Array(CHUNK_BYTES / 4);
  let found = 0;
  for (const line of readFileSync('/proc/self/maps', 'latin1').split('\n')) {
    const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
    if (from === undefined || to === undefined) continue;
    const [start, end] = [Number.parseInt(from, 16), Number.parseInt(to, 16)];
    // As large is only what a sanitizer keeps its books in.
    if (end - start > BOOKS_BYTES) continue;
    for (let at = start; at < end; at += CHUNK_BYTES) {
      const bytes = readMemory(memory, chunk, at, Math.min(CHUNK_BYTES, end - at));
      for (let i = 0; i + 8 <= bytes / 4; i++) if (matches(chunk, i, masked)) found++;
      chunk.fill(0);
    }
  }
  closeSync(memory);
  return found;
}

/** Bytes read; 0 for what is gone again, or is no memory. */
function readMemory(memory: number, chunk: Int32Array, at: number, length: number): number {
  try {
    return readSync(memory, chunk, 0, length, at);
  } catch {
    return 0;
  }
}

function matches(words: Int32Array, at: number, masked: readonly number[]): boolean {
  for (let i = 0; i < masked.length; i++) if ((words[at + i]! ^ MASK) !== masked[i]) return false;
  return true;
}
