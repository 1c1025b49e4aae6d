import assert from 'node:assert/strict';
import type { Store } from '../store/index.ts';
import { behaviour, bytes, type StoreBehaviour } from './store-harness.ts';

export const readBehaviours: readonly StoreBehaviour[] = [
  behaviour('a list is in the order of unsigned bytes, a prefix before what it begins', async ({ store }) => {
    const keys = [[0], [0, 0], [1], [0x7f], [0x80], [0xff], [0xff, 0], [0xff, 0xff]];
    for (const key of keys.toReversed()) {
      await store.commit({ compare: [], put: [{ key: Uint8Array.from(key), value: bytes('') }] });
    }
    const { entries } = await store.list(new Uint8Array());
    assert.deepEqual(
      entries.map(({ key }) => [...key]),
      keys,
    );
  }),

  behaviour('a list has all that begins with the prefix and nothing else', async ({ store, put, list }) => {
    for (const key of ['a', 'a/', 'a/1', 'a/2/x', 'a0', 'b/1']) await put(key, '');
    assert.deepEqual(await list('a/'), ['a/=', 'a/1=', 'a/2/x=']);
    assert.deepEqual(await list('c'), []);
    await store.commit({ compare: [], put: [{ key: Uint8Array.of(0xff, 0xff, 1), value: bytes('last') }] });
    const { entries } = await store.list(Uint8Array.of(0xff, 0xff));
    assert.equal(entries.length, 1);
  }),

  behaviour('a limit gives the first ones', async ({ put, list }) => {
    for (const key of ['c', 'a', 'b']) await put(key, '');
    assert.deepEqual(await list('', 2), ['a=', 'b=']);
  }),

  behaviour('a list goes on behind a key, whether that is there still or not', async ({ store, put }) => {
    for (const key of ['a/1', 'a/2', 'a/3', 'b/1']) await put(key, '');
    const after = async (key: string, limit?: number): Promise<string[]> => {
      const { entries } = await store.list(bytes('a/'), { after: bytes(key), limit });
      return entries.map((entry) => Buffer.from(entry.key).toString());
    };
    assert.deepEqual(await after('a/1'), ['a/2', 'a/3']);
    assert.deepEqual(await after('a/1', 1), ['a/2']);
    await put('a/2', undefined);
    assert.deepEqual(await after('a/2'), ['a/3']);
    assert.deepEqual(await after('a/3'), []);
  }),

  behaviour('a list amid commits is of one revision, the one it says', async ({ store }) => {
    const keys = Array.from({ length: 20 }, (_, index) => bytes(`k${index}`));
    const commits: Promise<unknown>[] = [];
    const lists: ReturnType<Store['list']>[] = [];
    for (let round = 1; round <= 30; round++) {
      const put = keys.map((key) => ({ key, value: bytes(`${round}`) }));
      commits.push(store.commit({ compare: [], put }));
      lists.push(store.list(bytes('k')));
    }
    for (const [index, { entries, revision }] of (await Promise.all(lists)).entries()) {
      assert.ok(revision > index, `list ${index} has the commit that was asked for before it`);
      assert.deepEqual([...new Set(entries.map((entry) => entry.revision))], [revision]);
    }
    await Promise.all(commits);
  }),
];
