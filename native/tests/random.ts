/** Random input that a seed makes again. */
export interface Random {
  /** A whole number from `min` to `max`, both included. */
  integer(min: number, max: number): number;
  /** One of them. */
  of<T>(items: readonly T[]): T;
  /** True once in `times`. */
  once(times: number): boolean;
  bytes(length: number): Uint8Array;
}

/** PCLOUD_TEST_SEED, which the test runner sets. */
export const SEED: number = Number(process.env.PCLOUD_TEST_SEED ?? 1) >>> 0;

/** A generator by Sebastiano Vigna's SplitMix, cut to 32 bits. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const word = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  const integer = (min: number, max: number): number => min + Math.floor((word() / 2 ** 32) * (max - min + 1));
  return {
    integer,
    of: (items) => items[integer(0, items.length - 1)]!,
    once: (times) => integer(1, times) === 1,
    bytes: (length) => Uint8Array.from({ length }, () => word() & 0xff),
  };
}

/** Checks that many random cases; what fails names the seed that makes it again. */
export function rounds(count: number, check: (random: Random) => void): () => void {
  return () => {
    for (let round = 0; round < count; round++) {
      try {
        check(createRandom(SEED * 1_000_003 + round));
      } catch (error) {
        if (error instanceof Error) error.message += ` (PCLOUD_TEST_SEED=${SEED}, round ${round})`;
        throw error;
      }
    }
  };
}
