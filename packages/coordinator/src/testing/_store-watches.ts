import assert from 'node:assert/strict';
import type { Store, StoreChange } from '../store/index.ts';
import { behaviour, bytes, KEPT_CHANGES, rejectsWith, type StoreBehaviour, text } from './store-harness.ts';

export const watchBehaviours: readonly StoreBehaviour[] = [
  behaviour('a watch has every commit after its revision, in order', async ({ store, put }) => {
    await put('a', '1');
    await put('a', '2');
    await put('b', '3');
    await put('a', undefined);
    assert.deepEqual(await take(store, 1, '', 3), ['2 a=2', '3 b=3', '4 a']);
  }),

  behaviour('a watch goes on with commits to come', async ({ store, put }) => {
    const changes = take(store, 0, '', 3);
    await put('a', '1');
    await put('a', '2');
    await put('a', '3');
    assert.deepEqual(await changes, ['1 a=1', '2 a=2', '3 a=3']);
  }),

  behaviour('a watch sees its prefix only, and of a commit only that part', async ({ store, put }) => {
    await put('b/1', 'x');
    const both = ['a/1', 'b/2'].map((key) => ({ key: bytes(key), value: bytes('y') }));
    await store.commit({ compare: [], put: both });
    await put('a/2', 'z');
    assert.deepEqual(await take(store, 0, 'a/', 2), ['2 a/1=y', '3 a/2=z']);
  }),

  behaviour('a commit that failed is not seen', async ({ store, put }) => {
    await put('a', '1');
    await put('a', 'lost', { revision: 9 });
    await put('a', undefined);
    await put('a', undefined);
    await put('a', '2');
    assert.deepEqual(await take(store, 0, '', 3), ['1 a=1', '2 a', '3 a=2']);
  }),

  behaviour(
    'list and watch from its revision have no gap and no duplicate, while others commit',
    async ({ store, put }) => {
      const all = Array.from({ length: 5 + KEPT_CHANGES }, (_, index) => `k${index}`);
      const before = all.slice(0, 5).map((key) => put(key, ''));
      const list = store.list(bytes('k'));
      const after = all.slice(5).map((key) => put(key, ''));
      const { entries, revision } = await list;
      assert.equal(entries.length, 5);
      const seen = entries.map(({ key }) => text(key));
      const { signal } = new AbortController();
      for await (const { puts } of store.watch(revision, { prefix: bytes('k'), signal })) {
        seen.push(...puts.map(({ key }) => text(key)));
        if (seen.length >= all.length) break;
      }
      await Promise.all([...before, ...after]);
      assert.deepEqual(seen.toSorted(), all.toSorted());
    },
  ),

  behaviour('an entry that a reader saw can be watched from', async ({ store, put }) => {
    const commit = put('a', '1');
    let entry = await store.get(bytes('a'));
    while (!entry) entry = await store.get(bytes('a'));
    const next = take(store, entry.revision, '', 1);
    await commit;
    await put('a', '2');
    assert.deepEqual(await next, ['2 a=2']);
  }),

  behaviour('a revision that is compacted, or of another store, says COMPACTED', async ({ store, put }) => {
    for (let index = 0; index <= KEPT_CHANGES; index++) await put('a', `${index}`);
    await rejectsWith(take(store, 0, '', 1), 'COMPACTED');
    assert.deepEqual(await take(store, 1, '', 1), ['2 a=1']);
    await rejectsWith(take(store, KEPT_CHANGES + 2, '', 1), 'COMPACTED');
  }),

  behaviour('a watcher that falls behind is told COMPACTED and holds up nobody', async ({ store, put }) => {
    const signal = new AbortController();
    const watch = store.watch(0, { prefix: bytes(''), signal: signal.signal })[Symbol.asyncIterator]();
    await put('a', '0');
    assert.equal((await watch.next()).value.revision, 1);
    for (let index = 0; index <= KEPT_CHANGES; index++) await put('a', `${index}`);
    await rejectsWith(watch.next(), 'COMPACTED');
  }),

  behaviour('a signal ends a watch, before it began and while it waits', async ({ store }) => {
    const signal = new AbortController();
    const waiting = take(store, 0, '', 1, signal);
    await store.get(bytes('a'));
    signal.abort();
    assert.deepEqual(await waiting, []);
    assert.deepEqual(await take(store, 0, '', 1, signal), []);
  }),

  behaviour('closing ends a watch with CLOSED', async ({ store }) => {
    const waiting = rejectsWith(take(store, 0, '', 1), 'CLOSED');
    await store.close();
    await waiting;
    await rejectsWith(take(store, 0, '', 1), 'CLOSED');
  }),
];

/** The first changes as `revision key=value`, `revision key` for a delete. */
async function take(
  store: Store,
  from: number,
  prefix: string,
  count: number,
  { signal }: AbortController = new AbortController(),
): Promise<string[]> {
  const lines: string[] = [];
  for await (const change of store.watch(from, { prefix: bytes(prefix), signal })) {
    lines.push(lineOf(change));
    if (lines.length === count) break;
  }
  return lines;
}

function lineOf({ revision, puts }: StoreChange): string {
  const parts = puts.map(({ key, value }) => (value ? `${text(key)}=${text(value)}` : text(key)));
  return `${revision} ${parts.join(' ')}`;
}
