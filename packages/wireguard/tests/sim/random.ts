/** A seeded source of randomness (xorshift128): the same seed gives the same run. */
export interface SeededRandom {
  /** An unsigned 32-bit word. */
  word(): number;
  /** A number in [0, 1). */
  fraction(): number;
  fill(out: Uint8Array): void;
  /** 32 bytes. */
  key(): Uint8Array;
}

export function createSeededRandom(seed: number): SeededRandom {
  const state = Uint32Array.of(seed ^ 0x9e3779b9, seed * 0x85ebca6b + 1, 0x2545f491, seed + 0x1234567);
  const word = (): number => {
    let t = state[3]!;
    const s = state[0]!;
    state[3] = state[2]!;
    state[2] = state[1]!;
    state[1] = s;
    t ^= t << 11;
    t ^= t >>> 8;
    state[0] = t ^ s ^ (s >>> 19);
    return state[0]!;
  };
  for (let i = 0; i < 20; i++) word();
  const fill = (out: Uint8Array): Uint8Array => {
    for (let i = 0; i < out.length; i++) out[i] = word();
    return out;
  };
  return {
    word,
    fraction: () => word() / 0x1_0000_0000,
    fill,
    key: () => fill(new Uint8Array(32)),
  };
}
