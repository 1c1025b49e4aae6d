import assert from 'node:assert/strict';
import { MAX_COMMIT_BYTES, MAX_OPERATIONS } from '../store/index.ts';
import { behaviour, bytes, rejectsWith, type StoreBehaviour } from './store-harness.ts';

export const commitBehaviours: readonly StoreBehaviour[] = [
  behaviour('a value is there once its commit resolved, under the revision of that commit', async ({ store, put }) => {
    const { committed, revision } = await put('a', 'one');
    assert.deepEqual({ committed, revision, of: store.revision }, { committed: true, revision: 1, of: 1 });
    const entry = await store.get(bytes('a'));
    assert.deepEqual(entry, { key: bytes('a'), value: bytes('one'), revision: 1 });
    assert.equal(await store.get(bytes('b')), undefined);
  }),

  behaviour('a comparison with revision 0 holds only where there is no key', async ({ put, get }) => {
    assert.deepEqual(await put('a', 'first', { revision: 0 }), { committed: true, revision: 1 });
    assert.deepEqual(await put('a', 'second', { revision: 0 }), { committed: false, revision: 1 });
    assert.equal(await get('a'), 'first');
  }),

  behaviour('a comparison holds only for the revision of the last put', async ({ put, get }) => {
    await put('a', 'first');
    await put('a', 'second');
    assert.equal((await put('a', 'late', { revision: 1 })).committed, false);
    assert.equal((await put('a', 'third', { revision: 2 })).committed, true);
    assert.equal(await get('a'), 'third');
  }),

  behaviour('a key that was deleted and put again is not the key of before', async ({ put }) => {
    await put('a', 'first');
    await put('a', undefined);
    assert.equal((await put('a', 'late', { revision: 1 })).committed, false);
    assert.equal((await put('a', 'again', { revision: 0 })).committed, true);
    assert.equal((await put('a', 'late', { revision: 1 })).committed, false);
  }),

  behaviour('one comparison that fails leaves all as it was', async ({ store, put, list }) => {
    await put('a', 'old');
    const result = await store.commit({
      compare: [
        { key: bytes('a'), revision: 1 },
        { key: bytes('b'), revision: 7 },
      ],
      put: [
        { key: bytes('a'), value: undefined },
        { key: bytes('c'), value: bytes('new') },
      ],
    });
    assert.deepEqual(result, { committed: false, revision: 1 });
    assert.deepEqual(await list(''), ['a=old']);
  }),

  behaviour('all puts of a commit carry its one revision', async ({ store, list }) => {
    const put = ['a', 'b', 'c'].map((key) => ({ key: bytes(key), value: bytes(key) }));
    await store.commit({ compare: [], put });
    const { entries, revision } = await store.list(bytes(''));
    assert.equal(revision, 1);
    assert.deepEqual(
      entries.map((entry) => entry.revision),
      [1, 1, 1],
    );
    assert.deepEqual(await list(''), ['a=a', 'b=b', 'c=c']);
  }),

  behaviour('comparing alone, and deleting what is not there, adds no revision', async ({ store, put }) => {
    await put('a', 'one');
    const compared = await store.commit({ compare: [{ key: bytes('a'), revision: 1 }], put: [] });
    assert.deepEqual(compared, { committed: true, revision: 1 });
    assert.deepEqual(await put('b', undefined), { committed: true, revision: 1 });
    assert.equal(store.revision, 1);
  }),

  behaviour('fifty commits that each want to make one key: one wins', async ({ put, get }) => {
    const results = await Promise.all(Array.from({ length: 50 }, (_, index) => put('a', `${index}`, { revision: 0 })));
    const winners = results.flatMap(({ committed }, index) => (committed ? [`${index}`] : []));
    assert.equal(winners.length, 1);
    assert.equal(await get('a'), winners[0]);
  }),

  behaviour('fifty counters that compare and set lose no step', async ({ store, put }) => {
    await put('n', '0');
    const count = async (): Promise<void> => {
      for (;;) {
        const entry = (await store.get(bytes('n')))!;
        const next = Number(Buffer.from(entry.value).toString()) + 1;
        if ((await put('n', `${next}`, { revision: entry.revision })).committed) return;
      }
    };
    await Promise.all(Array.from({ length: 50 }, count));
    assert.deepEqual((await store.get(bytes('n')))!.value, bytes('50'));
    assert.equal(store.revision, 51);
  }),

  behaviour('128 operations are one commit, 129 are none', async ({ store }) => {
    const put = Array.from({ length: MAX_OPERATIONS - 1 }, (_, index) => ({
      key: bytes(`k${index}`),
      value: bytes(''),
    }));
    const compare = [{ key: bytes('a'), revision: 0 }];
    assert.equal((await store.commit({ compare, put })).committed, true);
    const more = [...put, { key: bytes('one more'), value: bytes('') }];
    await rejectsWith(store.commit({ compare, put: more }), 'TOO_LARGE');
    assert.equal((await store.list(bytes(''))).entries.length, 127);
  }),

  behaviour('a commit of more than a mebibyte is none', async ({ store, put }) => {
    assert.equal((await put('a', 'x'.repeat(MAX_COMMIT_BYTES - 1))).committed, true);
    await rejectsWith(put('a', 'x'.repeat(MAX_COMMIT_BYTES)), 'TOO_LARGE');
    assert.equal((await store.get(bytes('a')))!.revision, 1);
  }),

  behaviour('an empty key, and a key put twice, are refused', async ({ store, put }) => {
    await rejectsWith(put('', 'x'), 'INVALID');
    const twice = { key: bytes('a'), value: bytes('x') };
    await rejectsWith(store.commit({ compare: [], put: [twice, { ...twice }] }), 'INVALID');
    assert.equal(store.revision, 0);
  }),

  behaviour('what the caller does with its bytes afterwards changes nothing', async ({ store, get }) => {
    const key = Buffer.from('a');
    const value = Buffer.from('kept');
    await store.commit({ compare: [], put: [{ key, value }] });
    key.fill(0);
    value.fill(0);
    assert.equal(await get('a'), 'kept');
    (await store.get(bytes('a')))!.value.fill(0);
    assert.equal(await get('a'), 'kept');
  }),

  behaviour('a closed store refuses everything', async ({ store, put }) => {
    const lease = await store.grantLease(1_000);
    const late = put('a', 'asked before');
    await store.close();
    assert.equal((await late).committed, true);
    await rejectsWith(put('a', 'x'), 'CLOSED');
    await rejectsWith(store.get(bytes('a')), 'CLOSED');
    await rejectsWith(store.list(bytes('')), 'CLOSED');
    await rejectsWith(store.grantLease(1_000), 'CLOSED');
    await rejectsWith(lease.revoke(), 'CLOSED');
    await store.close();
  }),
];
