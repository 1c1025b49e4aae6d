import assert from 'node:assert/strict';
import { type CommitResult, type Store, StoreError, type StoreErrorCode, type StoreLease } from '../store/index.ts';
import { createFakeTimers, type FakeTimers } from './fake-timers.ts';

export interface StoreBehaviour {
  /** A sentence. */
  readonly name: string;
  run(harness: StoreHarness): Promise<void>;
}

/** How the suite makes a store: empty, remembering ten commits for `watch`, with this clock. */
export type StoreHarness = (options: { readonly clock: FakeTimers; readonly keptChanges: number }) => Promise<Store>;

/** The store of one behaviour, spoken to in text. */
export interface Bench {
  readonly store: Store;
  readonly clock: FakeTimers;
  put(
    key: string,
    value: string | undefined,
    options?: { revision?: number; lease?: StoreLease },
  ): Promise<CommitResult>;
  get(key: string): Promise<string | undefined>;
  /** `key=value`, in order. */
  list(prefix: string, limit?: number): Promise<string[]>;
}

export const KEPT_CHANGES = 10;

/** A behaviour on a store of its own, closed afterwards. */
export function behaviour(name: string, act: (bench: Bench) => Promise<void>): StoreBehaviour {
  return {
    name,
    async run(harness) {
      const clock = createFakeTimers();
      const store = await harness({ clock, keptChanges: KEPT_CHANGES });
      try {
        await act(createBench(store, clock));
      } finally {
        await store.close();
      }
    },
  };
}

function createBench(store: Store, clock: FakeTimers): Bench {
  return {
    store,
    clock,
    put: (key, value, { revision, lease } = {}) =>
      store.commit({
        compare: revision === undefined ? [] : [{ key: bytes(key), revision }],
        put: [{ key: bytes(key), value: value === undefined ? undefined : bytes(value), ...(lease && { lease }) }],
      }),
    async get(key) {
      const entry = await store.get(bytes(key));
      return entry && text(entry.value);
    },
    async list(prefix, limit) {
      const { entries } = await store.list(bytes(prefix), limit === undefined ? {} : { limit });
      return entries.map(({ key, value }) => `${text(key)}=${text(value)}`);
    },
  };
}

export function bytes(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

export function text(value: Uint8Array): string {
  return new TextDecoder().decode(value);
}

export function rejectsWith(promise: Promise<unknown>, code: StoreErrorCode): Promise<void> {
  return assert.rejects(promise, (error) => error instanceof StoreError && error.code === code);
}
