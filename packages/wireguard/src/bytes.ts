/** True when both hold the same bytes; takes the same time wherever they differ. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}

/** True when every byte is zero; takes the same time whatever they are. */
export function isZero(bytes: Uint8Array): boolean {
  let sum = 0;
  for (const byte of bytes) sum |= byte;
  return sum === 0;
}

/** Negative, zero or positive as `a` sorts before, with or behind `b`, byte by byte. For public values only. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    if (a[i] !== b[i]) return a[i]! - b[i]!;
  }
  return a.length - b.length;
}

const encoder = /* @__PURE__ */ new TextEncoder();

/** The bytes of an ASCII label. */
export function ascii(label: string): Uint8Array {
  return encoder.encode(label);
}
