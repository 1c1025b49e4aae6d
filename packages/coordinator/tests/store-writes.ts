/** The commits of the durability tests: the n-th puts n under `count`, and a value that follows from n. */
import type { StorePut } from '../src/store/index.ts';
import { bytes } from '../src/testing/store-harness.ts';

const KEYS = 40;

export const COUNT_KEY: Uint8Array = bytes('count');

/** Long values make LevelDB write tables and compact them, too. */
export function valueAt(n: number): string {
  return `${n} `.repeat(100 * (n % 61) + 1);
}

export function putsOf(n: number): StorePut[] {
  return [
    { key: COUNT_KEY, value: bytes(`${n}`) },
    { key: bytes(`key ${n % KEYS}`), value: bytes(valueAt(n)) },
  ];
}

/** What a store holds after `count` commits, by key. */
export function contentAfter(count: number): Map<string, string> {
  const content = new Map<string, string>();
  for (let n = Math.max(1, count - KEYS + 1); n <= count; n++) content.set(`key ${n % KEYS}`, valueAt(n));
  if (count > 0) content.set('count', `${count}`);
  return content;
}
