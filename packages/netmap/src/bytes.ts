import { blake2s } from '@noble/hashes/blake2.js';
import { NetmapError } from './errors.ts';

const encoder = /* @__PURE__ */ new TextEncoder();
// A byte-order mark is text like any other: it must not vanish between the two ends.
const decoder = /* @__PURE__ */ new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The UTF-8 bytes of a text. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** The text of UTF-8 bytes, or undefined when they are not UTF-8. */
export function readUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** BLAKE2s-256 of the concatenated parts. For public values: identities and checksums, never secrets. */
export function blake2s256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = blake2s.create({ dkLen: 32 });
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** Memory of its own, also of a Node Buffer, whose `slice` shares what it had. */
export function copyBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

/** True when both hold the same bytes; takes the same time wherever they differ. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}

/** @throws NetmapError INVALID_KEY */
export function expectKey(what: string, bytes: Uint8Array): void {
  if (bytes.length !== 32) throw new NetmapError('INVALID_KEY', `${what}: expected 32 bytes, got ${bytes.length}`);
}
