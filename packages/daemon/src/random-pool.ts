import { randomFillSync } from 'node:crypto';

const POOL_BYTES = 4_096;

/**
 * Unpredictable bytes in small pieces: one system call serves many, as a flood of handshakes asks for them.
 * What was given out is zeroed in the pool.
 */
export function createRandomPool(fill: (bytes: Uint8Array) => void = randomFillSync): (out: Uint8Array) => void {
  const pool = new Uint8Array(POOL_BYTES);
  let taken = POOL_BYTES;
  return (out) => {
    if (out.length > POOL_BYTES) {
      fill(out);
      return;
    }
    if (taken + out.length > POOL_BYTES) {
      fill(pool);
      taken = 0;
    }
    const piece = pool.subarray(taken, taken + out.length);
    out.set(piece);
    piece.fill(0);
    taken += out.length;
  };
}
