/** A seeded generator of numbers in [0, 1) (mulberry32), so that a sample can be drawn again. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** The seed of this run: `PCLOUD_TEST_SEED`, or a new one. A test file prints it. */
export function runSeed(): number {
  const given = process.env.PCLOUD_TEST_SEED;
  return given ? Number(given) >>> 0 : Math.floor(Math.random() * 0xffffffff);
}

/** Whether the whole of every matrix is to run. */
export const isFullRun: boolean = process.env.PCLOUD_TEST_FULL === '1';

/** A copy in random order (Fisher–Yates). */
export function shuffle<T>(items: readonly T[], random: () => number): T[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [result[last], result[other]] = [result[other]!, result[last]!];
  }
  return result;
}

/**
 * Draws at least `count` cells of a matrix so that each value of each dimension occurs: first, in random
 * order, the cells that show a value not seen yet, then any others.
 */
export function sampleCovering<T extends object>(cells: readonly T[], count: number, random: () => number): T[] {
  const seen = new Set<string>();
  const values = (cell: T): string[] => Object.entries(cell).map(([name, value]) => `${name}=${String(value)}`);
  const news = (cell: T): number => values(cell).filter((value) => !seen.has(value)).length;
  const rest = shuffle(cells, random);
  const chosen: T[] = [];
  for (;;) {
    let best = 0;
    for (let index = 1; index < rest.length; index++) if (news(rest[index]!) > news(rest[best]!)) best = index;
    if (rest.length === 0 || (news(rest[best]!) === 0 && chosen.length >= count)) return chosen;
    const [cell] = rest.splice(best, 1);
    for (const value of values(cell!)) seen.add(value);
    chosen.push(cell!);
  }
}
