import { compareBytes, startsWith, textOf } from './_bytes.ts';
import type { Row } from './_rows.ts';
import type { Backend, StoreDeps } from './backend.ts';
import { createStore } from './create-store.ts';
import type { Store } from './store.ts';

/** A store that ends with the process: for tests, and for what need not be kept. */
export function createMemoryStore(deps: StoreDeps = {}): Store {
  return createStore(createMemoryBackend(), deps);
}

/** A table of rows in memory. */
export function createMemoryBackend(): Backend {
  const values = new Map<string, Uint8Array>();
  const keys: Uint8Array[] = [];

  /** Where the key is, or would be. */
  function placeOf(key: Uint8Array): number {
    let low = 0;
    let high = keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareBytes(keys[middle]!, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  return {
    get: async (key) => values.get(textOf(key)),
    async scan(prefix, limit = Infinity, after) {
      const rows: Row[] = [];
      const isAfter = after !== undefined && values.has(textOf(after));
      const start = after === undefined ? placeOf(prefix) : placeOf(after) + (isAfter ? 1 : 0);
      for (let at = start; at < keys.length && rows.length < limit && startsWith(keys[at]!, prefix); at++) {
        rows.push([keys[at]!, values.get(textOf(keys[at]!))!]);
      }
      return rows;
    },
    async write(rows) {
      for (const [key, value] of rows) {
        const text = textOf(key);
        const isThere = values.has(text);
        if (value !== undefined) {
          if (!isThere) keys.splice(placeOf(key), 0, key);
          values.set(text, value);
        } else if (isThere) {
          keys.splice(placeOf(key), 1);
          values.delete(text);
        }
      }
    },
    reopen: async () => undefined,
    async close() {
      values.clear();
      keys.length = 0;
    },
  };
}
