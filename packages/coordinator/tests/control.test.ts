import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeMessage, LIMITS, MAX_SERVER_MESSAGE_BYTES, type MapNode } from '@pcloud/netmap';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { newId } from '../src/accounts/secret.ts';
import { parseUserName } from '../src/accounts/user-record.ts';
import type { Doorkeeper, PendingApproval } from '../src/control/control-server.ts';
import { removeNode, renameNode } from '../src/nodes/change.ts';
import { joinNode } from '../src/nodes/join.ts';
import { createMemoryControl, type MemoryControl, type MemoryNode } from '../src/testing/memory-control.ts';
import { normalizeTags } from '../src/tokens/tags.ts';

interface Context {
  control: MemoryControl;
  directory: string;
}

const test = suite<Context>('control');

test.before.each(async (context) => {
  context.directory = mkdtempSync(join(tmpdir(), 'pcloud-control-'));
  context.control = await createMemoryControl(context.directory);
});

test.after.each(async ({ control, directory }) => {
  await control.close();
  rmSync(directory, { recursive: true });
});

test('a machine with a token becomes a node and is sent its map', async ({ control }) => {
  const node = control.addNode('Laptop.home');
  await control.settle();
  assert.is(node.last('welcome')?.nodeId, 'n1');
  assert.is(node.map?.self.name, 'laptop');
  assert.equal(node.map?.self.addresses[0], '10.0.0.1');
  assert.is(node.map?.nodes.size, 0);
});

test('nodes that are connected hear of a new one within 200 ms, by a delta', async ({ control }) => {
  const first = control.addNode('first');
  await control.settle();
  const second = control.addNode('second');
  await control.advance(200);
  assert.equal(
    [...first.map!.nodes.values()].map((node) => node.name),
    ['second'],
  );
  assert.equal(
    [...second.map!.nodes.values()].map((node) => node.name),
    ['first'],
  );
  assert.is(first.received.filter((message) => message.kind === 'map').length, 1);
  assert.is(first.mismatches, 0);
});

test('a hundred changes within a moment are a few deltas', async ({ control }) => {
  const watcher = control.addNode('watcher');
  await control.settle();
  for (let index = 0; index < 100; index++) control.addNode(`node${index}`, { source: `198.51.100.${index}` });
  await control.advance(1_000);
  assert.is(watcher.map!.nodes.size, 100);
  assert.ok(watcher.received.filter((message) => message.kind === 'delta').length <= 11);
  assert.is(watcher.mismatches, 0);
});

test('a machine that comes back with its map is sent only what it missed', async ({ control }) => {
  const away = control.addNode('away');
  control.addNode('other');
  await control.advance(200);
  const { epoch, revision } = away.map!;
  const hash = control.maps.hash('n1');
  away.disconnect();
  control.addNode('third');
  await control.advance(200);
  const back = control.addNode('away', {
    machineKey: away.machineKey,
    nodeKey: away.nodeKey,
    map: { epoch, revision, hash },
  });
  back.map = away.map;
  await control.settle();
  assert.is(back.received.filter((message) => message.kind === 'map').length, 0);
  assert.is(back.map!.nodes.size, 2);
  assert.is(back.mismatches, 0);
});

test('a machine with a map of another epoch is sent a whole one', async ({ control }) => {
  const node = control.addNode('a', { map: { epoch: 9, revision: 1, hash: Buffer.alloc(32).toString('base64') } });
  await control.settle();
  assert.is(node.map?.epoch, 1);
});

test('a machine keeps its address, name and id, and needs no token to come back', async ({ control }) => {
  const before = control.addNode('a');
  await control.settle();
  before.disconnect();
  control.admission = () => ({ refusal: 'TOKEN_UNKNOWN' });
  const after = control.addNode('renamed itself', { machineKey: before.machineKey, nodeKey: before.nodeKey });
  await control.settle();
  assert.equal(after.map?.self, before.map?.self);
});

test('a machine that is nobody and has no token is told that somebody must approve it', async ({ control }) => {
  control.admission = () => 'stranger';
  const node = control.addNode('a', { token: undefined });
  await control.settle();
  assert.is(node.last('pending')?.code, 'ABCD');
});

test('a refused token is named, and nothing of the machine is kept', async ({ control }) => {
  control.admission = () => ({ refusal: 'TOKEN_UNKNOWN' });
  const node = control.addNode('a');
  await control.settle();
  assert.is(node.last('refused')?.code, 'TOKEN_UNKNOWN');
  assert.ok(node.isClosed);
  assert.is(control.registry.nodes.size, 0);
});

test('a node key of another machine is refused', async ({ control }) => {
  const owner = control.addNode('owner');
  await control.settle();
  const thief = control.addNode('thief', { nodeKey: owner.nodeKey });
  await control.settle();
  assert.is(thief.last('refused')?.code, 'KEY_IN_USE');
});

test('a new node key of the same machine takes the place of the old one, for others too', async ({ control }) => {
  const watcher = control.addNode('watcher');
  const before = control.addNode('a');
  await control.advance(200);
  const old = watcher.map!.nodes.get('n2')!.nodeKey;
  before.disconnect();
  control.addNode('a', { machineKey: before.machineKey });
  await control.advance(200);
  assert.is.not(watcher.map!.nodes.get('n2')!.nodeKey, old);
  assert.is(watcher.map!.nodes.size, 1);
});

test('the newest connection of a machine wins, and the older is told', async ({ control }) => {
  const older = control.addNode('a');
  await control.settle();
  const newer = control.addNode('a', { machineKey: older.machineKey, nodeKey: older.nodeKey });
  await control.settle();
  assert.is(older.last('refused')?.code, 'REPLACED');
  assert.ok(older.isClosed);
  assert.ok(newer.map);
  assert.equal([...control.server.connected.keys()], ['n1']);
});

test('presence and endpoints reach the others, and the observed address is added', async ({ control }) => {
  const first = control.addNode('first');
  control.addNode('second', { endpoints: ['10.1.1.1:7000'], source: '203.0.113.5' });
  await control.advance(200);
  assert.equal(first.presence.get('n2'), { id: 'n2', online: true, endpoints: ['10.1.1.1:7000', '203.0.113.5:7000'] });
});

test('new endpoints of a node are told without a delta of the map', async ({ control }) => {
  const first = control.addNode('first');
  const second = control.addNode('second');
  await control.advance(200);
  const deltas = first.received.filter((message) => message.kind === 'delta').length;
  second.send({ kind: 'endpoints', endpoints: ['192.0.2.99:5'] });
  await control.advance(200);
  assert.is(first.presence.get('n2')?.endpoints[0], '192.0.2.99:5');
  assert.is(first.received.filter((message) => message.kind === 'delta').length, deltas);
});

test('a connection that blinks is no news, one that stays away is', async ({ control }) => {
  const watcher = control.addNode('watcher');
  const node = control.addNode('a');
  await control.advance(200);
  node.disconnect();
  await control.advance(1_000);
  const again = control.addNode('a', { machineKey: node.machineKey, nodeKey: node.nodeKey });
  await control.advance(10_000);
  assert.ok(watcher.presence.get('n2')?.online);
  again.disconnect();
  await control.advance(4_000);
  assert.not.ok(watcher.presence.get('n2')?.online);
});

test('a node that does not answer is dropped within 30 s', async ({ control }) => {
  const node = control.addNode('a');
  await control.settle();
  node.answers = false;
  await control.advance(26_000);
  assert.ok(node.isClosed);
  assert.is(control.server.counters.silent, 1);
});

test('a node that answers stays', async ({ control }) => {
  const node = control.addNode('a');
  await control.advance(120_000);
  assert.not.ok(node.isClosed);
});

test('a connection that says nothing is dropped after 10 s', async ({ control }) => {
  const socket = {
    send() {},
    pendingBytes: 0,
    isClosed: false,
    close() {
      this.isClosed = true;
    },
  };
  control.server.accept(socket, '198.51.100.1');
  await control.advance(10_000);
  assert.ok(socket.isClosed);
});

test('frames that are none end their connection alone', async ({ control }) => {
  const node = control.addNode('a');
  const other = control.addNode('b');
  await control.advance(200);
  node.sendFrame(new Uint8Array(100));
  await control.settle();
  assert.ok(node.isClosed);
  assert.not.ok(other.isClosed);
  assert.is(control.server.counters['frames-refused'], 1);
});

test('a first frame that is no handshake is refused and counted', async ({ control }) => {
  let isClosed = false;
  const socket = {
    send() {},
    pendingBytes: 0,
    close: () => {
      isClosed = true;
    },
  };
  control.server.accept(socket, '198.51.100.1')!.handleFrame(new Uint8Array(96));
  assert.ok(isClosed);
  assert.is(control.server.counters['handshakes-refused'], 1);
});

test('a machine that asks on and reads nothing is ended before it costs memory', async ({ control }) => {
  control.admission = () => 'stranger';
  const node = control.addNode('a', { reads: false });
  await control.settle();
  let asked = 0;
  for (; asked < 100_000 && !node.isClosed; asked++) {
    node.send({ kind: 'ping', id: asked });
    if (asked % 1_000 === 0) await control.settle();
  }
  assert.ok(node.isClosed);
  assert.ok(node.pendingBytes < 2_000_000, `${node.pendingBytes} bytes wait`);
  assert.equal(control.refusals.counters(), { 'channel.UNREAD': 1 });
});

test('what ends a connection is counted under its code, with nothing changed', async ({ control }) => {
  const node = control.addNode('a');
  await control.advance(200);
  const { revision } = control.maps;
  control.admission = () => ({ refusal: 'TOKEN_UNKNOWN' });
  control.addNode('b');
  await control.settle();
  const garbled = control.addNode('c', { source: '203.0.113.7' });
  garbled.sendFrame(new Uint8Array(40));
  await control.settle();
  const socket = { send() {}, pendingBytes: 0, close() {} };
  control.server.accept(socket, '198.51.100.1')!.handleFault('TEXT');
  control.server.accept(socket, '198.51.100.1');
  await control.advance(10_000);
  assert.equal(control.refusals.counters(), {
    'channel.SILENT': 1,
    'channel.TEXT': 1,
    'channel.UNAUTHENTIC': 1,
    'join.TOKEN_UNKNOWN': 1,
  });
  assert.is(control.server.counters['frames-refused'], 2);
  assert.is(control.maps.revision, revision);
  assert.not.ok(node.isClosed);
});

test('a message out of turn ends the connection', async ({ control }) => {
  control.admission = () => 'stranger';
  const node = control.addNode('a');
  await control.settle();
  node.send({ kind: 'endpoints', endpoints: [] });
  await control.settle();
  assert.ok(node.isClosed);
  assert.is(control.server.counters['out-of-turn'], 1);
});

test('a source that connects too often is turned away, others are not', async ({ control }) => {
  for (let index = 0; index < 100; index++) control.addNode('x', { source: '198.51.100.9' });
  assert.ok(control.addNode('x', { source: '198.51.100.9' }).isClosed);
  assert.not.ok(control.addNode('y', { source: '198.51.100.10' }).isClosed);
});

test('a node that does not read costs a bounded queue, blocks nobody, and gets a whole map later', async ({
  control,
}) => {
  const slow = control.addNode('slow');
  const watcher = control.addNode('watcher');
  await control.advance(200);
  slow.pendingBytes = 2_000_000;
  const before = slow.received.length;
  for (let index = 0; index < 20; index++) {
    control.addNode(`n${index}`, { source: `198.51.100.${index}` });
    await control.advance(200);
  }
  assert.is(watcher.map!.nodes.size, 21);
  assert.ok(slow.received.slice(before).every((message) => message.kind === 'ping'));
  slow.pendingBytes = 0;
  await control.advance(1_000);
  assert.is(slow.map!.nodes.size, 21);
});

test('a rename reaches the others', async ({ control }) => {
  const watcher = control.addNode('watcher');
  control.addNode('a');
  await control.advance(200);
  await renameNode('n2', 'kitchen', { store: control.store, now: control.wallMs });
  await control.advance(200);
  assert.is(watcher.map!.nodes.get('n2')!.name, 'kitchen');
});

test('a removed node is told, leaves the maps of others, and is not let in again when it was revoked', async ({
  control,
}) => {
  const watcher = control.addNode('watcher');
  const node = control.addNode('a');
  await control.advance(200);
  await removeNode('n2', true, { store: control.store, now: control.wallMs });
  await control.advance(200);
  assert.is(node.last('refused')?.code, 'NODE_REMOVED');
  assert.is(watcher.map!.nodes.size, 0);
  const again = control.addNode('a', { machineKey: node.machineKey, nodeKey: node.nodeKey });
  await control.settle();
  assert.is(again.last('refused')?.code, 'NODE_REMOVED');
});

test('the address of a removed node rests for a week', async ({ control }) => {
  control.addNode('a');
  await control.settle();
  await removeNode('n1', false, { store: control.store, now: control.wallMs });
  await control.settle();
  const second = control.addNode('b');
  await control.settle();
  assert.is(second.map!.self.addresses[0], '10.0.0.2');
  control.clock.advance(7 * 24 * 3_600_000);
  await control.settle();
  const third = control.addNode('c');
  await control.settle();
  assert.is(third.map!.self.addresses[0], '10.0.0.1');
});

test('two that wish for one name get two names', async ({ control }) => {
  const [first, second] = [control.addNode('pi'), control.addNode('pi')];
  await control.settle();
  assert.equal([first.map!.self.name, second.map!.self.name].sort(), ['pi', 'pi-2']);
});

test('fifty that join at once get fifty addresses and names', async ({ control }) => {
  const nodes = Array.from({ length: 50 }, (_, index) => control.addNode('pi', { source: `198.51.100.${index}` }));
  for (let turn = 0; turn < 20; turn++) await control.settle();
  await control.advance(500);
  assert.is(new Set(nodes.map((node) => node.map!.self.addresses[0])).size, 50);
  assert.is(new Set(nodes.map((node) => node.map!.self.name)).size, 50);
});

test('a map that is larger than a node takes ends its connection alone, says why, and disturbs no timer', async ({
  directory,
}) => {
  const control = await createMemoryControl(join(directory, 'small'), { maxMessageBytes: 2_000 });
  const first = control.addNode('first', { source: '198.51.100.1' });
  await control.settle();
  assert.ok(first.map);
  const others: MemoryNode[] = [];
  for (let index = 0; index < 12; index++) {
    others.push(control.addNode('more'));
    await control.advance(200);
  }
  assert.is(others.at(-1)!.last('refused')?.code, 'MESSAGE_TOO_LARGE');
  assert.ok(others.at(-1)!.isClosed);
  // By deltas, each of which is small, it has them all.
  assert.is(first.map!.nodes.size, 12);
  assert.not.ok(first.isClosed);
  // A whole one goes out of a timer.
  first.send({ kind: 'resync' });
  await control.advance(60_000);
  assert.is(first.last('refused')?.code, 'MESSAGE_TOO_LARGE');
  assert.is(first.received.filter(({ kind }) => kind === 'refused').length, 1);
  await control.close();
});

test('an answer that is larger than a node takes fails alone, and the channel stays', async ({ directory }) => {
  const request = async (): Promise<unknown> => 'x'.repeat(3_000);
  const control = await createMemoryControl(join(directory, 'small'), { maxMessageBytes: 2_000, request });
  const node = control.addNode('a');
  await control.settle();
  node.send({ kind: 'request', id: 7, operation: 'nodes.list', input: {} });
  await control.settle();
  assert.is(node.last('failure')?.code, 'RESULT_TOO_LARGE');
  assert.not.ok(node.isClosed);
  await control.close();
});

test('the map of a network that is full of the largest nodes there can be fits in a message', () => {
  const tags = Array.from({ length: 16 }, (_, index) => `${'t'.repeat(30)}${10 + index}`);
  assert.equal(normalizeTags(tags), tags);
  const node: MapNode = {
    id: newId((out) => void out.fill(255)),
    name: 'n'.repeat(63),
    user: parseUserName('u'.repeat(32))!,
    tags,
    role: 'client',
    nodeKey: Buffer.alloc(32).toString('base64'),
    addresses: ['255.255.255.255', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  };
  const size = encodeMessage({ kind: 'presence', nodes: [] }).length + JSON.stringify(node).length + 1;
  assert.ok(size * LIMITS.NODES + 100_000 < MAX_SERVER_MESSAGE_BYTES, `${size} bytes a node`);
});

test('a network with as many nodes as a map may have takes no more, and says so', async ({ control }) => {
  const node = control.addNode('a');
  await control.settle();
  const nodes = Object.defineProperty(new Map(control.registry.nodes), 'size', { value: LIMITS.NODES });
  const outcome = await joinNode(
    { machineKey: 'other', nodeKey: 'other', wishedName: 'b' },
    async () => ({ userId: 'u1', tags: [], ephemeral: false, compare: [], put: [] }),
    {
      store: control.store,
      registry: { ...control.registry, nodes },
      prefix: control.network.prefix4,
      now: control.wallMs,
      newId: () => 'n2',
    },
  );
  assert.equal(outcome, { refusal: 'NETWORK_FULL' });
  assert.not.ok(node.isClosed);
});

test('no private key is in the store', async ({ control }) => {
  const node = control.addNode('a');
  await control.settle();
  const { entries } = await control.store.list(new Uint8Array(0));
  const text = Buffer.concat(entries.map((entry) => entry.value)).toString('latin1');
  for (const secret of [node.machineKey, node.nodeKey, control.network.channelPrivate]) {
    assert.not.ok(text.includes(Buffer.from(secret).toString('base64')));
    assert.not.ok(text.includes(Buffer.from(secret).toString('hex')));
  }
});

test("an approval that fails after its machine went away is nobody's affair", async ({ directory }) => {
  let ask = (_: PendingApproval): void => {};
  const asked = new Promise<PendingApproval>((resolve) => {
    ask = resolve;
  });
  const door: Doorkeeper = { join: async () => ({ kind: 'stranger' }), requestApproval: () => asked };
  const control = await createMemoryControl(directory, { door });
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', note);
  try {
    const machine = control.addNode('tv');
    await control.settle();
    machine.disconnect();
    const decided = Promise.reject(new Error('the store is closed'));
    ask({ code: 'ABCD', url: 'https://x', expiresInMs: 1, decided, cancel() {} });
    await control.settle();
    assert.equal(unhandled, []);
  } finally {
    process.off('unhandledRejection', note);
    await control.close();
  }
});

test('class 13: what a fault of the server says is for its log alone', async ({ control: _, directory }) => {
  const request = (): Promise<unknown> => Promise.reject(new Error('open /var/lib/pcloud/x: \n EIO'));
  const control = await createMemoryControl(join(directory, 'faulty'), { request });
  const node = control.addNode('a');
  await control.settle();
  node.send({ kind: 'request', id: 7, operation: 'nodes.list', input: {} });
  await control.settle();
  const { code, message } = node.last('failure')!;
  assert.equal([code, message], ['FAILED', 'the server could not do it; its log says why']);
  await control.close();
});

test('class 11: a fault of the server over one channel ends that channel alone', async ({ control }) => {
  const [node, other] = [control.addNode('a'), control.addNode('b')];
  await control.settle();
  const { setOnline } = control.presence;
  control.presence.setOnline = () => {
    throw new Error('a defect');
  };
  node.send({ kind: 'endpoints', endpoints: ['192.0.2.1:1'] });
  control.presence.setOnline = setOnline;
  await control.settle();
  assert.equal([node.isClosed, other.isClosed], [true, false]);
});

test.run();
