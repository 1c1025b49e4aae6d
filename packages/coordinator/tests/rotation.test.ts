/** A device that is connected gets another node key, which it proves as it proved the first. */
import { randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeBase64, parseJoinLink } from '@pcloud/netmap';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Core } from '../src/core.ts';
import { createMemoryStore, type Store } from '../src/store/index.ts';
import { createFakeTimers, type FakeTimers } from '../src/testing/fake-timers.ts';
import { createMemoryNode, crypto, type MemoryNode } from '../src/testing/memory-control.ts';
import { openMemoryCore } from '../src/testing/memory-core.ts';

interface Context {
  directory: string;
  store: Store;
  clock: FakeTimers;
  core: Core;
  node: MemoryNode;
  watcher: MemoryNode;
}

const test = suite<Context>('rotation');
const random = (): Uint8Array => randomFillSync(new Uint8Array(32));
const publicOf = (key: Uint8Array): string => encodeBase64(crypto.publicKey(key));

test.before.each(async (context) => {
  context.directory = mkdtempSync(join(tmpdir(), 'pcloud-rotation-'));
  context.clock = createFakeTimers();
  context.store = createMemoryStore({ clock: context.clock });
  context.core = await openMemoryCore(context.directory, context.store, context.clock);
  context.node = await connect(context.core, 'laptop');
  context.watcher = await connect(context.core, 'watcher');
  await advance(context.clock, 20_000);
});

test.after.each(async ({ core, store, directory }) => {
  core.close();
  await store.close();
  rmSync(directory, { recursive: true });
});

async function settle(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
}

async function advance(clock: FakeTimers, ms: number): Promise<void> {
  await settle();
  for (let left = ms; left > 0; left -= 100) {
    clock.advance(Math.min(100, left));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await settle();
}

async function connect(core: Core, name: string): Promise<MemoryNode> {
  const link = parseJoinLink(await core.createJoinLink({}));
  if (link instanceof Error) throw link;
  const keys = { machineKey: random(), nodeKey: random(), ephemeral: random() };
  const node = createMemoryNode(name, core.control, core.network, { ...keys, token: link.token });
  await settle();
  return node;
}

let requests = 0;

/** @returns the code of what was wrong; undefined when it is done */
async function rotate(node: MemoryNode, nodeKey: string, proof: string): Promise<string | undefined> {
  requests += 1;
  node.send({ kind: 'request', id: requests, operation: 'nodes.rotate', input: { nodeKey, proof } });
  await settle();
  const answer = node.received.findLast((message) => 'id' in message && message.id === requests);
  assert.ok(answer?.kind === 'response' || answer?.kind === 'failure');
  return answer?.kind === 'failure' ? answer.code : undefined;
}

test('others are told of the new key; address, name and id are the same', async ({ core, clock, node, watcher }) => {
  const [before] = [...watcher.map!.nodes.values()];
  const next = random();
  assert.is(await rotate(node, publicOf(next), node.prove(next)), undefined);
  await advance(clock, 300);
  const [after] = [...watcher.map!.nodes.values()];
  assert.equal(after, { ...before, nodeKey: publicOf(next) });
  assert.is(node.map!.self.nodeKey, publicOf(next));
  assert.not.ok(node.isClosed);
  const [entry] = await core.audit.list(1);
  assert.equal([entry!.action, entry!.subject], ['nodes.rotate', `node:${after!.id}`]);
});

test('a key that is not proven is refused: no proof, another’s proof, one of another channel', async ({
  core,
  node,
  watcher,
}) => {
  const [next, other] = [random(), random()];
  for (const proof of ['', 'AAAA', node.prove(other), watcher.prove(next)]) {
    assert.is(await rotate(node, publicOf(next), proof), 'KEY_PROOF_INVALID');
  }
  assert.is(await rotate(node, 'no key', node.prove(next)), 'KEY_PROOF_INVALID');
  assert.ok([...core.registry.nodes.values()].every(({ nodeKey }) => nodeKey !== publicOf(next)));
});

test('a key of another device is refused, even with proof', async ({ node, watcher }) => {
  assert.is(await rotate(node, publicOf(watcher.nodeKey), node.prove(watcher.nodeKey)), 'KEY_IN_USE');
});

test('the same again is done already, and another within ten seconds is refused', async ({ clock, node }) => {
  const [next, later] = [random(), random()];
  assert.is(await rotate(node, publicOf(next), node.prove(next)), undefined);
  assert.is(await rotate(node, publicOf(next), node.prove(next)), undefined);
  assert.is(await rotate(node, publicOf(later), node.prove(later)), 'RATE_LIMITED');
  await advance(clock, 10_000);
  assert.is(await rotate(node, publicOf(later), node.prove(later)), undefined);
});

test('over HTTP and for others there is no such operation', async ({ core }) => {
  let code: unknown;
  await core.operations.run({ kind: 'root' }, 'nodes.rotate', {}).catch((error: { code: string }) => {
    ({ code } = error);
  });
  assert.is(code, 'OPERATION_UNKNOWN');
});

test.run();
