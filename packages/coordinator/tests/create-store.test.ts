import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Backend } from '../src/store/backend.ts';
import { createStore } from '../src/store/create-store.ts';
import { type Store, StoreError } from '../src/store/index.ts';
import { createMemoryBackend } from '../src/store/memory-store.ts';
import { bytes, text } from '../src/testing/store-harness.ts';

const put = (store: Store, key: string, value: string, revision?: number) =>
  store.commit({
    compare: revision === undefined ? [] : [{ key: bytes(key), revision }],
    put: [{ key: bytes(key), value: bytes(value) }],
  });

const failed = (promise: Promise<unknown>): Promise<boolean> =>
  promise.then(
    () => false,
    (error) => error instanceof StoreError && error.code === 'FAILED' && error.cause instanceof Error,
  );

/** A table whose writes a test breaks: before they reach the disk, or after. */
function createFaultyBackend() {
  const inner = createMemoryBackend();
  const faults = { write: 'none' as 'none' | 'before' | 'after', reopen: false, read: false, reopened: 0 };
  const backend: Backend = {
    ...inner,
    get: async (key) => {
      if (faults.read) throw new Error('input/output error');
      return inner.get(key);
    },
    async write(rows) {
      if (faults.write === 'before') throw new Error('no space left on device');
      await inner.write(rows);
      if (faults.write === 'after') throw new Error('the answer was lost');
    },
    async reopen() {
      if (faults.reopen) throw new Error('no space left on device');
      faults.reopened += 1;
    },
  };
  return { backend, faults };
}

test('a write that failed rejects its commit, and the next finds the store as it was', async () => {
  const { backend, faults } = createFaultyBackend();
  const store = createStore(backend);
  await put(store, 'a', 'one');
  faults.write = 'before';
  assert.ok(await failed(put(store, 'a', 'two')));
  assert.is(store.revision, 1);
  assert.is(text((await store.get(bytes('a')))!.value), 'one');
  faults.write = 'none';
  assert.equal(await put(store, 'a', 'three', 1), { committed: true, revision: 2 });
  assert.is(faults.reopened, 1);
});

test('a write that reached the disk and said it failed is seen by the next commit and by watchers', async () => {
  const { backend, faults } = createFaultyBackend();
  const store = createStore(backend);
  await put(store, 'a', 'one');
  faults.write = 'after';
  assert.ok(await failed(put(store, 'a', 'two', 1)));
  faults.write = 'none';
  assert.equal(await put(store, 'a', 'late', 1), { committed: false, revision: 2 });
  await put(store, 'a', 'three', 2);
  const seen: string[] = [];
  for await (const { revision, puts } of store.watch(0, { prefix: bytes(''), signal: new AbortController().signal })) {
    seen.push(`${revision} ${text(puts[0]!.value!)}`);
    if (revision === 3) break;
  }
  assert.equal(seen, ['1 one', '2 two', '3 three']);
});

test('a store that cannot be opened again goes on trying with each commit', async () => {
  const { backend, faults } = createFaultyBackend();
  const store = createStore(backend);
  Object.assign(faults, { write: 'before', reopen: true });
  assert.ok(await failed(put(store, 'a', 'one')));
  faults.write = 'none';
  assert.ok(await failed(put(store, 'a', 'one')));
  faults.reopen = false;
  assert.equal(await put(store, 'a', 'one'), { committed: true, revision: 1 });
});

test('a read that failed says so, and is no absence', async () => {
  const { backend, faults } = createFaultyBackend();
  const store = createStore(backend);
  await put(store, 'a', 'one');
  faults.read = true;
  assert.ok(await failed(store.get(bytes('a'))));
  assert.ok(await failed(put(store, 'a', 'two', 0)));
  faults.read = false;
  assert.is(text((await store.get(bytes('a')))!.value), 'one');
});

test('what a reader sees of a commit that is still under way can be watched from', async () => {
  const inner = createMemoryBackend();
  let finish = (): void => undefined;
  let isWritten = (): void => undefined;
  const written = new Promise<void>((resolve) => {
    isWritten = resolve;
  });
  const backend: Backend = {
    ...inner,
    async write(rows) {
      await inner.write(rows);
      isWritten();
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
    },
  };
  const store = createStore(backend);
  const commit = put(store, 'a', 'one');
  await written;
  const { revision } = (await store.get(bytes('a')))!;
  assert.equal([revision, store.revision], [1, 0]);
  const stop = new AbortController();
  const next = store
    .watch(revision, { prefix: bytes(''), signal: stop.signal })
    [Symbol.asyncIterator]()
    .next();
  finish();
  await commit;
  stop.abort();
  assert.is((await next).done, true);
});

test.run();
