import assert from 'node:assert/strict';
import { type Bench, behaviour, bytes, rejectsWith, type StoreBehaviour, text } from './store-harness.ts';

const TTL_MS = 10_000;

export const leaseBehaviours: readonly StoreBehaviour[] = [
  behaviour('keys of a lease are deleted once it was not renewed for its time', async (bench) => {
    const { store, clock, put, list } = bench;
    const lease = await store.grantLease(TTL_MS);
    await put('a', 'leased', { lease });
    await put('b', 'kept');
    clock.advance(TTL_MS - 1);
    await quiet(bench);
    assert.deepEqual(await list(''), ['a=leased', 'b=kept']);
    clock.advance(1);
    await quiet(bench);
    assert.deepEqual(await list(''), ['b=kept']);
  }),

  behaviour('a lease that is renewed goes on', async (bench) => {
    const lease = await bench.store.grantLease(TTL_MS);
    await bench.put('a', 'leased', { lease });
    for (let round = 0; round < 3; round++) {
      bench.clock.advance(TTL_MS - 1);
      await lease.renew();
    }
    await quiet(bench);
    assert.equal(await bench.get('a'), 'leased');
    bench.clock.advance(TTL_MS);
    await quiet(bench);
    assert.equal(await bench.get('a'), undefined);
  }),

  behaviour('the end of a lease is one commit that watchers see', async (bench) => {
    const { store, clock, put } = bench;
    const lease = await store.grantLease(TTL_MS);
    await put('a', '', { lease });
    await put('b', '', { lease });
    clock.advance(TTL_MS);
    for await (const { revision, puts } of store.watch(2, {
      prefix: bytes(''),
      signal: new AbortController().signal,
    })) {
      assert.equal(revision, 3);
      assert.deepEqual(
        puts.map(({ key, value }) => [text(key), value]),
        [
          ['a', undefined],
          ['b', undefined],
        ],
      );
      break;
    }
  }),

  behaviour('a lease that ended can neither be renewed nor put under', async (bench) => {
    const lease = await bench.store.grantLease(TTL_MS);
    bench.clock.advance(TTL_MS);
    await rejectsWith(lease.renew(), 'LEASE_EXPIRED');
    await rejectsWith(bench.put('a', 'late', { lease }), 'LEASE_EXPIRED');
    assert.equal(await bench.get('a'), undefined);
    assert.equal((await bench.put('a', 'by itself')).committed, true);
  }),

  behaviour('a lease that is revoked takes its keys at once', async (bench) => {
    const lease = await bench.store.grantLease(TTL_MS);
    await bench.put('a', 'leased', { lease });
    await lease.revoke();
    assert.equal(await bench.get('a'), undefined);
    await rejectsWith(lease.renew(), 'LEASE_EXPIRED');
    await lease.revoke();
  }),

  behaviour(
    'a key put again without its lease outlives it, and one that changed leases goes with the later',
    async (bench) => {
      const { store, clock, put, list } = bench;
      const first = await store.grantLease(TTL_MS);
      const second = await store.grantLease(2 * TTL_MS);
      await put('a', '', { lease: first });
      await put('b', '', { lease: first });
      await put('a', '');
      await put('b', '', { lease: second });
      clock.advance(TTL_MS);
      await quiet(bench);
      assert.deepEqual(await list(''), ['a=', 'b=']);
      clock.advance(TTL_MS);
      await quiet(bench);
      assert.deepEqual(await list(''), ['a=']);
    },
  ),
];

/** All that timers began is done: commits go one after the other. */
async function quiet({ store }: Bench): Promise<void> {
  await store.list(bytes(''));
}
