import { randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseJoinLink } from '@pcloud/netmap';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { AUDIT_PREFIX, figuresOf } from '../src/figures.ts';
import { createMemoryStore, measureStore, type Store, StoreError } from '../src/store/index.ts';
import { createFakeTimers } from '../src/testing/fake-timers.ts';
import { createMemoryNode } from '../src/testing/memory-control.ts';
import { openMemoryCore } from '../src/testing/memory-core.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test('commits are counted by outcome, and how long each took', async () => {
  let now = 0;
  const inner = createMemoryStore();
  const slow: Store = {
    ...inner,
    async commit(commit) {
      now += 30;
      return inner.commit(commit);
    },
  };
  const store = measureStore(slow, () => now, ['audit/']);
  const put = [{ key: bytes('audit/1'), value: bytes('x') }];
  await store.commit({ compare: [], put });
  await store.commit({ compare: [{ key: bytes('audit/1'), revision: 0 }], put });
  await store.commit({ compare: [], put: [{ key: bytes('audit/1'), value: undefined }] });
  assert.is(store.fault, undefined);
  await store.close();
  await store.commit({ compare: [], put }).catch(() => undefined);
  assert.instance(store.fault, StoreError);
  const { commits, seconds, puts } = store.figures();
  assert.equal(commits, { committed: 2, conflict: 1, failed: 1 });
  assert.equal(puts, { 'audit/': 1 });
  assert.equal([seconds.count, Math.round(seconds.sum * 1_000)], [4, 120]);
  const at = (bound: number) => seconds.buckets.find((bucket) => bucket.bound === bound)!.count;
  assert.equal([at(0.025), at(0.05), at(2.5)], [0, 4, 4]);
});

test('joins, connected devices, maps, deltas and what was turned away are counted', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'pcloud-figures-'));
  const clock = createFakeTimers();
  const store = measureStore(createMemoryStore({ clock }), () => 0, [AUDIT_PREFIX]);
  const core = await openMemoryCore(directory, store, clock);
  async function settle(): Promise<void> {
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(200);
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
  const keys = () => {
    const [machineKey, nodeKey, ephemeral] = [1, 2, 3].map(() => randomFillSync(new Uint8Array(32)));
    return { machineKey: machineKey!, nodeKey: nodeKey!, ephemeral: ephemeral! };
  };
  const link = async () => (parseJoinLink(await core.createJoinLink({})) as { token: string }).token;
  const first = keys();
  const laptop = createMemoryNode('a', core.control, core.network, { ...first, token: await link() });
  await settle();
  createMemoryNode('b', core.control, core.network, { ...keys(), token: await link() });
  createMemoryNode('c', core.control, core.network, { ...keys(), token: 'x'.repeat(32) });
  await settle();
  laptop.disconnect();
  await settle();
  // Who comes back has not joined anew.
  createMemoryNode('a', core.control, core.network, { ...first, ephemeral: keys().ephemeral });
  await settle();

  const figures = figuresOf(core, store);
  assert.equal([figures.nodes, figures.connected, figures.joins], [2, 2, 2]);
  assert.equal(figures.refused, { 'join.TOKEN_UNKNOWN': 1 });
  assert.is(figures.sent.map!.messages, 3);
  assert.ok(figures.sent.map!.bytes > 300);
  assert.ok(figures.sent.delta!.messages >= 1);
  assert.is(figures.channels.connections, 4);
  core.close();
  await store.close();
  rmSync(directory, { recursive: true });
});

test.run();
