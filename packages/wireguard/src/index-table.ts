/** How many draws may collide in a row before the random source must be broken. */
const MAX_DRAWS = 64;

/**
 * Session indices: any 32-bit word, drawn at random so that nobody can link two sessions of a peer by them
 * (whitepaper 5.4.2, 5.4.3). One table for handshakes and sessions, so that no index means two things.
 */
export interface IndexTable<T> {
  readonly size: number;
  /** An index, 0 to 2^32 − 1, that is not in use. It stays free until `set`. */
  draw(): number;
  /** Enters a value under an index, in place of what was there. */
  set(index: number, value: T): void;
  /** Enters a value under an index drawn for it. */
  insert(value: T): number;
  /** The value under an index, which may be signed or unsigned. */
  get(index: number): T | undefined;
  delete(index: number): boolean;
}

/** @param randomWord an unpredictable 32-bit word, signed or unsigned */
export function createIndexTable<T>(randomWord: () => number): IndexTable<T> {
  // Keyed by the signed word, which V8 keeps unboxed.
  const entries = new Map<number, T>();

  const draw = (): number => {
    for (let draws = 0; draws < MAX_DRAWS; draws++) {
      const word = randomWord() | 0;
      if (!entries.has(word)) return word >>> 0;
    }
    throw new Error(`"randomWord" gave ${MAX_DRAWS} indices in a row that are in use`);
  };

  return {
    get size() {
      return entries.size;
    },
    draw,
    set(index, value) {
      entries.set(index | 0, value);
    },
    insert(value) {
      const index = draw();
      entries.set(index | 0, value);
      return index;
    },
    get: (index) => entries.get(index | 0),
    delete: (index) => entries.delete(index | 0),
  };
}
