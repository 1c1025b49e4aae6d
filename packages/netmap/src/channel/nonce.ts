/** A Noise nonce: a 64-bit counter as the two unsigned halves that transport keys take. */
export interface Nonce {
  readonly low: number;
  readonly high: number;
}

export const FIRST_NONCE: Nonce = { low: 0, high: 0 };

/** The next one, or undefined when all are used: 2^64 - 1 is reserved (Noise specification, section 5.1). */
export function nextNonce({ low, high }: Nonce): Nonce | undefined {
  if (low < 0xffff_fffe) return { low: low + 1, high };
  if (low === 0xffff_fffe) return high === 0xffff_ffff ? undefined : { low: low + 1, high };
  return { low: 0, high: high + 1 };
}
