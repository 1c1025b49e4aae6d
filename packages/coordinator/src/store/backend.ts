import type { Row } from './_rows.ts';

/** An ordered table of rows on which a store is built: what differs between memory and level. */
export interface Backend {
  get(key: Uint8Array): Promise<Uint8Array | undefined>;
  /** Rows that begin with `prefix`, those behind `after` only, in order, as they are at the moment of the call. */
  scan(prefix: Uint8Array, limit?: number, after?: Uint8Array): Promise<Row[]>;
  /** All of it or nothing, and for good once it resolves. A value of undefined deletes. */
  write(rows: readonly RowPut[]): Promise<void>;
  /** After a write that failed: comes back with what did reach the disk. */
  reopen(): Promise<void>;
  close(): Promise<void>;
}

export type RowPut = readonly [key: Uint8Array, value: Uint8Array | undefined];

/** Time for leases. A `Clock` of the daemon is one. */
export interface StoreClock {
  /** Monotonic milliseconds. */
  now(): number;
  /** @returns a function that cancels */
  setTimer(callback: () => void, delayMs: number): () => void;
}

export interface StoreDeps {
  /** Default: that of the process. */
  readonly clock?: StoreClock;
  /** How many commits `watch` can go back. Default 10,000, and 8 MiB of them. */
  readonly keptChanges?: number;
}

export const systemStoreClock: StoreClock = {
  now: () => performance.now(),
  setTimer(callback, delayMs) {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
