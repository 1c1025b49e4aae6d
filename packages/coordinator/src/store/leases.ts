import {
  decodeNumber,
  encodeNumber,
  keyOfLeasedRow,
  LEASE_ROWS,
  leaseOfRow,
  rowOfLease,
  rowsOfLeasedKeys,
} from './_rows.ts';
import type { State } from './_state.ts';
import type { Backend, StoreClock } from './backend.ts';
import { StoreError, type StoreLease } from './store.ts';

export interface LeasesDeps {
  readonly clock: StoreClock;
  readonly change: <T>(act: (state: State) => Promise<T>) => Promise<T>;
}

export interface Leases {
  grant(ttlMs: number): Promise<StoreLease>;
  /** @throws StoreError LEASE_EXPIRED */
  idOf(lease: StoreLease): number;
  stop(): void;
}

interface Held {
  readonly ttlMs: number;
  deadline: number;
  cancel: () => void;
}

/** How soon an end that could not be written is tried again. */
const RETRY_MS = 1_000;

export interface GrantedLease {
  readonly id: number;
  readonly ttlMs: number;
}

/** @throws StoreError CORRUPT */
export async function loadLeases(backend: Backend): Promise<GrantedLease[]> {
  const rows = await backend.scan(LEASE_ROWS);
  return rows.map(([row, value]) => {
    const id = leaseOfRow(row);
    const ttlMs = decodeNumber(value);
    if (id === undefined || ttlMs === undefined) throw new StoreError('CORRUPT', 'store: a lease cannot be read');
    return { id, ttlMs };
  });
}

/**
 * @param granted before a restart: each has its whole time once more, and nobody to renew it
 */
export function createLeases(backend: Backend, granted: readonly GrantedLease[], deps: LeasesDeps): Leases {
  const { clock, change } = deps;
  const held = new Map<number, Held>();
  const ids = new WeakMap<StoreLease, number>();
  let lastId = 0;
  let stopped = false;

  function arm(id: number, lease: Held, delayMs: number): void {
    lease.cancel();
    if (stopped) return;
    lease.cancel = clock.setTimer(() => {
      end(id).catch(() => arm(id, lease, RETRY_MS));
    }, delayMs);
  }

  function hold(id: number, ttlMs: number): void {
    const lease = { ttlMs, deadline: clock.now() + ttlMs, cancel() {} };
    held.set(id, lease);
    arm(id, lease, ttlMs);
  }

  function isLive(id: number): boolean {
    return clock.now() < (held.get(id)?.deadline ?? -Infinity);
  }

  /** Deletes the lease and its keys; its timer is left for the retry. */
  function end(id: number): Promise<void> {
    return change(async (state) => {
      const rows = await backend.scan(rowsOfLeasedKeys(id));
      const puts = rows.map(([row]) => ({ key: keyOfLeasedRow(row), value: undefined, lease: 0 }));
      await state.apply(puts, [[rowOfLease(id), undefined]]);
      held.get(id)?.cancel();
      held.delete(id);
    });
  }

  for (const { id, ttlMs } of granted) {
    lastId = Math.max(lastId, id);
    hold(id, ttlMs);
  }

  function createLease(id: number): StoreLease {
    const lease: StoreLease = {
      async renew() {
        const own = held.get(id);
        if (!own || !isLive(id)) throw expired();
        own.deadline = clock.now() + own.ttlMs;
        arm(id, own, own.ttlMs);
      },
      async revoke() {
        const own = held.get(id);
        if (!own) return;
        own.deadline = -Infinity;
        await end(id);
      },
    };
    ids.set(lease, id);
    return lease;
  }

  return {
    async grant(ttlMs) {
      lastId += 1;
      const id = lastId;
      await change((state) => state.apply([], [[rowOfLease(id), encodeNumber(ttlMs)]]));
      hold(id, ttlMs);
      return createLease(id);
    },
    idOf(lease) {
      const id = ids.get(lease);
      if (id === undefined || !isLive(id)) throw expired();
      return id;
    },
    stop() {
      stopped = true;
      for (const { cancel } of held.values()) cancel();
    },
  };
}

function expired(): StoreError {
  return new StoreError('LEASE_EXPIRED', 'lease: it was not renewed in time');
}
