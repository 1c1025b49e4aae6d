import { copyBytes, startsWith, textOf } from './_bytes.ts';
import { keyOfRow, parseData, rowOfKey } from './_rows.ts';
import { emptyState, type LeasedPut, loadState, type State } from './_state.ts';
import { type Backend, type StoreDeps, systemStoreClock } from './backend.ts';
import type { ChangeLogOptions } from './change-log.ts';
import { createLeases, type GrantedLease, loadLeases } from './leases.ts';
import { MAX_COMMIT_BYTES, MAX_OPERATIONS, type Store, type StoreCommit, StoreError } from './store.ts';
import { createWatches } from './watches.ts';

const KEPT_CHANGES = 10_000;
const KEPT_CHANGE_BYTES = 8 * 1024 * 1024;

/** A store on an empty table. */
export function createStore(backend: Backend, deps: StoreDeps = {}): Store {
  return assemble(backend, emptyState(backend, changeLogOptions(deps)), [], deps);
}

/** A store on a table that was written before. @throws StoreError CORRUPT */
export async function loadStore(backend: Backend, deps: StoreDeps = {}): Promise<Store> {
  return assemble(backend, await loadState(backend, changeLogOptions(deps)), await loadLeases(backend), deps);
}

function changeLogOptions({ keptChanges = KEPT_CHANGES }: StoreDeps): ChangeLogOptions {
  return { maxChanges: keptChanges, maxBytes: KEPT_CHANGE_BYTES };
}

/** Commits go one after the other; after one that failed, the next reads the table anew. */
function assemble(backend: Backend, loaded: State, granted: readonly GrantedLease[], deps: StoreDeps): Store {
  const { clock = systemStoreClock } = deps;
  let state = loaded;
  let broken = false;
  let closed = false;
  let queue: Promise<unknown> = Promise.resolve();

  /** Runs after all that was asked before it. */
  function inOrder<T>(act: () => T | Promise<T>): Promise<T> {
    const result = queue.then(() => {
      if (closed) throw new StoreError('CLOSED', 'store: it is closed');
      return act();
    });
    queue = result.catch(() => undefined);
    return result;
  }

  /** Runs in order, on a state that is known to be what the table holds. */
  function change<T>(act: (state: State) => Promise<T>): Promise<T> {
    return inOrder(async () => {
      try {
        if (broken) await recover();
        return await act(state);
      } catch (error) {
        broken ||= !(error instanceof StoreError) || error.code === 'FAILED';
        throw asStoreError(error);
      } finally {
        watches.wake();
      }
    });
  }

  async function recover(): Promise<void> {
    await backend.reopen();
    state = await loadState(backend, changeLogOptions(deps));
    broken = false;
  }

  const watches = createWatches({ state: () => state, settle: () => inOrder(() => undefined), isClosed: () => closed });
  const leases = createLeases(backend, granted, { clock, change });

  return {
    get revision() {
      return state.revision;
    },

    async get(key) {
      if (closed) throw new StoreError('CLOSED', 'store: it is closed');
      const data = await state.read(key).catch((error) => Promise.reject(asStoreError(error)));
      return data && { key: copyBytes(key), value: data.value, revision: data.revision };
    },

    async list(prefix, { limit, after } = {}) {
      // The scan begins in the order of commits and ends outside of it: later commits do not wait for it.
      const { rows, revision } = await inOrder(() => ({
        rows: settled(backend.scan(rowOfKey(prefix), limit, after && rowOfKey(after))),
        revision: state.revision,
      }));
      const entries = (await rows()).map(([row, bytes]) => {
        const data = parseData(bytes);
        if (!data) throw new StoreError('CORRUPT', `store: the value of ${textOf(row)} is cut short`);
        return { key: keyOfRow(row), value: data.value, revision: data.revision };
      });
      return { entries, revision };
    },

    async commit(commit) {
      checkCommit(commit);
      return change(async (current) => {
        const entries = await Promise.all(commit.compare.map(({ key }) => current.read(key)));
        const holds = commit.compare.every(({ revision }, index) => (entries[index]?.revision ?? 0) === revision);
        if (!holds) return { committed: false, revision: current.revision };
        const puts: LeasedPut[] = commit.put.map((put) => ({
          key: put.key,
          value: put.value,
          lease: put.lease && put.value ? leases.idOf(put.lease) : 0,
        }));
        return { committed: true, revision: await current.apply(puts) };
      });
    },

    watch: (fromRevision, { prefix, signal }) => watches.watch(fromRevision, (key) => startsWith(key, prefix), signal),

    grantLease: (ttlMs) => leases.grant(ttlMs),

    async close() {
      if (closed) return;
      await inOrder(() => {
        closed = true;
      });
      leases.stop();
      watches.wake();
      await backend.close();
    },
  };
}

function checkCommit({ compare, put }: StoreCommit): void {
  if (compare.length + put.length > MAX_OPERATIONS) {
    throw new StoreError('TOO_LARGE', `commit: ${compare.length + put.length} operations, at most ${MAX_OPERATIONS}`);
  }
  let lengthBytes = 0;
  const keys = new Set<string>();
  for (const { key, value } of put) {
    lengthBytes += key.length + (value?.length ?? 0);
    if (key.length === 0) throw new StoreError('INVALID', 'commit: an empty key');
    keys.add(textOf(key));
  }
  if (keys.size < put.length) throw new StoreError('INVALID', 'commit: a key is put twice');
  if (lengthBytes > MAX_COMMIT_BYTES) {
    throw new StoreError('TOO_LARGE', `commit: ${lengthBytes} bytes, at most ${MAX_COMMIT_BYTES}`);
  }
}

function asStoreError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  return new StoreError('FAILED', `store: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
}

/** A promise that is awaited later and must not count as unhandled until then. */
function settled<T>(promise: Promise<T>): () => Promise<T> {
  promise.catch(() => undefined);
  return () => promise.catch((error) => Promise.reject(asStoreError(error)));
}
