import type { KeyStore } from './data-plane.ts';

/** Which slots of a key store are in use. */
export interface KeySlots {
  take(): number;
  /** Gives a slot back. Its key is zeroed at the next `flush`, for a batch under way may still name it. */
  retire(slot: number): void;
  flush(): void;
}

export function createKeySlots(keys: KeyStore): KeySlots {
  const free: number[] = [];
  const retired: number[] = [];
  let used = 0;
  return {
    take: () => free.pop() ?? used++,
    retire: (slot) => void retired.push(slot),
    flush() {
      for (let slot = retired.pop(); slot !== undefined; slot = retired.pop()) {
        keys.removeKey(slot);
        free.push(slot);
      }
    },
  };
}
