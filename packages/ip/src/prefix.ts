import { formatAddress, parseAddress } from './address.ts';

/** A block of addresses: those whose first `length` bits are those of `address` (4 or 16 bytes, host bits zero). */
export interface Prefix {
  readonly address: Uint8Array;
  readonly length: number;
}

const LENGTH = /^(?:0|[1-9][0-9]{0,2})$/;

/** Reads `10.0.0.0/8`; a bare address is the block of itself alone; host bits are cleared. Undefined when it is neither. */
export function parsePrefix(text: string): Prefix | undefined {
  const slash = text.indexOf('/');
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) return undefined;
  if (slash < 0) return { address, length: address.length * 8 };
  const digits = text.slice(slash + 1);
  const length = Number(digits);
  if (!LENGTH.test(digits) || length > address.length * 8) return undefined;
  return { address: maskAddress(address, length), length };
}

/** Writes `10.0.0.0/8`. */
export function formatPrefix(prefix: Prefix): string {
  return `${formatAddress(prefix.address)}/${prefix.length}`;
}

/** A copy of an address with all but its first `length` bits zero. */
export function maskAddress(address: Uint8Array, length: number): Uint8Array {
  const masked = new Uint8Array(address.length);
  const whole = length >> 3;
  masked.set(address.subarray(0, whole));
  if (whole < address.length) masked[whole] = address[whole]! & (0xff00 >> (length & 7));
  return masked;
}

/** Whether an address (4 or 16 bytes) lies in the block; never when the families differ. */
export function prefixContains(prefix: Prefix, address: Uint8Array): boolean {
  return prefix.address.length === address.length && sameBits(prefix.address, address, prefix.length);
}

/** Whether some address lies in both blocks, which is so exactly when one contains the other. */
export function prefixesOverlap(a: Prefix, b: Prefix): boolean {
  return a.address.length === b.address.length && sameBits(a.address, b.address, Math.min(a.length, b.length));
}

function sameBits(a: Uint8Array, b: Uint8Array, count: number): boolean {
  const whole = count >> 3;
  for (let i = 0; i < whole; i++) if (a[i] !== b[i]) return false;
  const rest = 0xff & (0xff00 >> (count & 7));
  return ((a[whole]! ^ b[whole]!) & rest) === 0;
}
