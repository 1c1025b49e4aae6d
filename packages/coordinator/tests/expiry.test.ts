import { DEFAULT_POLICY, hashMap } from '@pcloud/netmap';
import * as assert from 'uvu/assert';
import type { Core } from '../src/core.ts';
import type { NodeFace } from '../src/operations/nodes.ts';
import type { Actor } from '../src/operations/operation.ts';
import {
  addUser,
  advance,
  codeOf,
  coreSuite,
  joinNode,
  ROOT,
  randomKey,
  seenBy,
  settle,
  tokenOf,
} from '../src/testing/core-suite.ts';
import { createFakeTimers } from '../src/testing/fake-timers.ts';
import { type MemoryNode, WALL_START_MS } from '../src/testing/memory-control.ts';
import { openMemoryCore } from '../src/testing/memory-core.ts';

const DAY_MS = 86_400_000;
const test = coreSuite('expiry');

async function connectOf(core: Core, user: Actor, name: string): Promise<MemoryNode> {
  const { link } = (await core.operations.run(user, 'invites.create', {})) as { link: string };
  return joinNode(core, name, { token: tokenOf(link) });
}

const run = (core: Core, operation: string, input: object, actor: Actor = ROOT): Promise<NodeFace> =>
  core.operations.run(actor, operation, input) as Promise<NodeFace>;

let requests = 0;

/** @returns the result, or the code of what was wrong */
async function ask(node: MemoryNode, operation: string, input: object = {}): Promise<unknown> {
  requests += 1;
  node.send({ kind: 'request', id: requests, operation, input });
  await settle();
  const answer = node.received.findLast((message) => 'id' in message && message.id === requests);
  return answer?.kind === 'response' ? answer.result : answer?.kind === 'failure' && answer.code;
}

test('by default keys hold for ever', async ({ core, clock }) => {
  const node = await joinNode(core, 'a');
  assert.equal(node.last('key'), { kind: 'key', isExpired: false });
  await advance(clock, 60_000);
  assert.is((await run(core, 'whois', { node: 'a' })).expiresAtMs, null);
});

test('a key that is to expire now sees nobody and is seen by nobody at once, and keeps its channel', async ({
  core,
  clock,
}) => {
  const [node, other] = [await joinNode(core, 'a'), await joinNode(core, 'b')];
  await advance(clock, 1_000, 100);
  assert.equal([seenBy(node), seenBy(other)], [['b'], ['a']]);
  const { self } = node.map!;
  const face = await run(core, 'nodes.expire', { node: 'a', in: 0 });
  assert.ok(face.isExpired);
  await advance(clock, 300, 100);
  assert.equal([seenBy(node), seenBy(other)], [[], []]);
  assert.equal(node.last('key'), { kind: 'key', isExpired: true, expiresInMs: 0 });
  assert.not.ok(node.isClosed);
  assert.is(node.mismatches + other.mismatches, 0, 'by deltas');

  await run(core, 'nodes.renew', { node: 'a' });
  await advance(clock, 300, 100);
  assert.equal([seenBy(node), seenBy(other)], [['b'], ['a']]);
  assert.equal(node.map!.self, self, 'name and address are the same');
  assert.equal(node.last('key'), { kind: 'key', isExpired: false });
  assert.is(node.mismatches + other.mismatches, 0, 'by deltas');
});

test('it is so under a policy, too, and who resumes while it is expired or renewed has the map of now', async ({
  core,
  clock,
}) => {
  await core.operations.run(ROOT, 'policy.set', { text: '{ "rules": [{ "src": ["*"], "dst": ["*:*"] }] }' });
  const [node, other] = [await joinNode(core, 'a'), await joinNode(core, 'b')];
  await advance(clock, 300, 100);
  assert.equal([seenBy(node), seenBy(other)], [['b'], ['a']]);
  for (const operation of ['nodes.expire', 'nodes.renew'] as const) {
    const map = node.map!;
    node.disconnect();
    await run(core, operation, { node: 'a', ...(operation === 'nodes.expire' && { in: 0 }) });
    await advance(clock, 300, 100);
    const { machineKey, nodeKey } = node;
    const resume = { epoch: map.epoch, revision: map.revision, hash: hashMap(map) };
    const back = await joinNode(core, 'a', { machineKey, nodeKey, token: undefined, map: resume });
    back.map ??= map;
    await advance(clock, 300, 100);
    const seen = operation === 'nodes.expire' ? [[], []] : [['b'], ['a']];
    assert.equal([seenBy(back), seenBy(other)], seen, operation);
    back.disconnect();
  }
});

test('a time that was set for one node ends its key when it is over, not sooner', async ({ core, clock }) => {
  await joinNode(core, 'a');
  await run(core, 'nodes.expire', { node: 'a', in: 60_000 });
  await advance(clock, 55_000);
  assert.not.ok((await run(core, 'whois', { node: 'a' })).isExpired);
  await advance(clock, 20_000);
  assert.ok((await run(core, 'whois', { node: 'a' })).isExpired);
  const [entry] = await core.audit.list(1);
  assert.is(entry!.action, 'nodes.key-expire');
});

test('a life for all counts from when it was set, and for new nodes from when they came', async ({ core, clock }) => {
  await joinNode(core, 'old');
  await advance(clock, 60_000);
  const setAt = WALL_START_MS + clock.now();
  await run(core, 'network.set', { keyLifeMs: 180 * DAY_MS });
  assert.is((await run(core, 'whois', { node: 'old' })).expiresAtMs, setAt + 180 * DAY_MS);
  await advance(clock, 60_000);
  await joinNode(core, 'new');
  assert.ok((await run(core, 'whois', { node: 'new' })).expiresAtMs! >= setAt + 60_000 + 180 * DAY_MS);
  await run(core, 'network.set', { keyRotationMs: 30 * DAY_MS });
  assert.is((await run(core, 'whois', { node: 'old' })).expiresAtMs, setAt + 180 * DAY_MS, 'the same life as before');
  await run(core, 'network.set', { keyLifeMs: null });
  assert.is((await run(core, 'whois', { node: 'old' })).expiresAtMs, null);
});

test('servers and nodes with tags never expire, whatever is set', async ({ core, clock }) => {
  const links = [await core.createJoinLink({ isServer: true }), await core.createJoinLink({ tags: ['ci'] })];
  const nodes = [];
  for (const [at, link] of links.entries()) nodes.push(await joinNode(core, `s${at}`, { token: tokenOf(link) }));
  await run(core, 'network.set', { keyLifeMs: 3_600_000 });
  await advance(clock, 7_200_000, 10_000);
  for (const node of ['s0', 's1']) {
    const face = await run(core, 'whois', { node });
    assert.equal([face.isExpired, face.expiresAtMs], [false, null], node);
    for (const input of [
      { node, in: 0 },
      { node, in: 'never' },
    ]) {
      assert.is(await codeOf(run(core, 'nodes.expire', input)), 'INPUT_INVALID');
    }
  }
  for (const node of nodes) assert.is(await ask(node, 'nodes.ask-renewal'), 'INPUT_INVALID');
});

test('connected nodes are told when a life is set, in times from now', async ({ core, clock }) => {
  const node = await joinNode(core, 'a');
  await run(core, 'network.set', { keyLifeMs: 10 * DAY_MS, keyRotationMs: DAY_MS });
  await settle();
  const { expiresInMs, rotatesInMs } = node.last('key')!;
  assert.is(expiresInMs, 10 * DAY_MS);
  assert.ok(rotatesInMs! > DAY_MS - 10_000 && rotatesInMs! <= DAY_MS);
  const told = node.received.filter(({ kind }) => kind === 'key').length;
  await run(core, 'nodes.rename', { node: 'a', name: 'b' });
  await advance(clock, 1_000, 100);
  assert.is(node.received.filter(({ kind }) => kind === 'key').length, told, 'nothing of its key has changed');
});

test('a node that speaks the version before hears nothing of keys, and expires all the same', async ({
  core,
  clock,
}) => {
  const token = tokenOf(await core.createJoinLink({}));
  const [node, other] = [
    await joinNode(core, 'a', { versions: { least: 1, most: 1 }, token }),
    await joinNode(core, 'b'),
  ];
  await run(core, 'nodes.expire', { node: 'a', in: 0 });
  await advance(clock, 300, 100);
  assert.equal([seenBy(node), seenBy(other)], [[], []]);
  assert.is(node.last('key'), undefined);
  assert.not.ok(node.isClosed);
});

test('a clock that was wrong for a while ends no key for good', async (context) => {
  const { core, clock, store, directory } = context;
  await joinNode(core, 'a');
  await run(core, 'network.set', { keyLifeMs: DAY_MS });
  core.close();
  const later = createFakeTimers();
  later.advance(clock.now() + 2 * DAY_MS);
  context.core = await openMemoryCore(directory, store, later);
  await advance(later, 20_000);
  assert.ok((await run(context.core, 'whois', { node: 'a' })).isExpired);
  context.core.close();
  context.core = await openMemoryCore(directory, store, clock);
  await advance(clock, 20_000);
  assert.not.ok((await run(context.core, 'whois', { node: 'a' })).isExpired);
});

test('an expired device asks in nobody’s name, and may leave', async ({ core, clock }) => {
  const olga = await addUser(core, 'olga', 'owner');
  const node = await connectOf(core, olga, 'a');
  await run(core, 'nodes.expire', { node: 'a', in: 0 });
  await advance(clock, 300, 100);
  for (const operation of ['nodes.list', 'nodes.renew', 'network.get']) {
    assert.is(await ask(node, operation, operation === 'nodes.renew' ? { node: 'a' } : {}), 'KEY_EXPIRED', operation);
  }
  assert.equal(await ask(node, 'nodes.leave'), { removed: 'a' });
});

test('its owner renews it on another device, others do not, and it never does itself', async ({ core, clock }) => {
  const [mia, max] = [await addUser(core, 'mia', 'member'), await addUser(core, 'max', 'member')];
  const [phone, tablet] = [await connectOf(core, mia, 'phone'), await connectOf(core, mia, 'tablet')];
  const other = await connectOf(core, max, 'other');
  assert.is(await ask(phone, 'nodes.renew', { node: 'phone' }), 'FORBIDDEN', 'while it holds');
  await run(core, 'nodes.expire', { node: 'phone', in: 0 }, mia);
  await advance(clock, 300, 100);
  assert.is(await ask(other, 'nodes.renew', { node: 'phone' }), 'NODE_UNKNOWN', 'out of sight');
  assert.is(await codeOf(run(core, 'nodes.renew', { node: 'phone' }, max)), 'NODE_UNKNOWN');
  assert.is(((await ask(tablet, 'nodes.renew', { node: 'phone' })) as NodeFace).isExpired, false);
});

test('members have keys of their own expire sooner, and no later than the network says', async ({ core }) => {
  const mia = await addUser(core, 'mia', 'member');
  await connectOf(core, mia, 'phone');
  await run(core, 'network.set', { keyLifeMs: 10 * DAY_MS });
  const expire = (when: number | 'never'): Promise<string> =>
    codeOf(run(core, 'nodes.expire', { node: 'phone', in: when }, mia));
  assert.is(await expire(DAY_MS), 'done');
  assert.is(await expire(2 * DAY_MS), 'FORBIDDEN');
  assert.is(await expire('never'), 'FORBIDDEN');
  await run(core, 'nodes.expire', { node: 'phone', in: 'never' });
  assert.is((await run(core, 'whois', { node: 'phone' })).expiresAtMs, null);
});

test('by a code that its owner types an expired device is renewed; no other member’s word will do', async ({
  core,
  clock,
}) => {
  const [mia, max] = [await addUser(core, 'mia', 'member'), await addUser(core, 'max', 'member')];
  const phone = await connectOf(core, mia, 'phone');
  const { self } = phone.map!;
  await run(core, 'nodes.expire', { node: 'phone', in: 0 });
  await advance(clock, 300, 100);
  const { code, url } = (await ask(phone, 'nodes.ask-renewal')) as { code: string; url: string };
  assert.match(url, '/approve');
  const looked = (await core.operations.run(max, 'approvals.look', { code })) as { name: string; renews: string };
  assert.equal([looked.name, looked.renews], ['phone', self.id]);
  assert.is(await codeOf(core.operations.run(max, 'approvals.approve', { code })), 'FORBIDDEN');
  assert.is(await codeOf(core.operations.run(ROOT, 'approvals.approve', { code, tags: ['ci'] })), 'INPUT_INVALID');
  const itself: Actor = { ...mia, via: 'node', nodeId: self.id };
  assert.is(await codeOf(core.operations.run(itself, 'approvals.approve', { code })), 'KEY_EXPIRED');
  await core.operations.run(mia, 'approvals.approve', { code });
  await advance(clock, 300, 100);
  assert.equal(phone.last('key'), { kind: 'key', isExpired: false });
  assert.equal(phone.map!.self, self);
  assert.is(await codeOf(core.operations.run(mia, 'approvals.approve', { code })), 'APPROVAL_DECIDED');
});

test('a device that still holds cannot approve its own renewal either', async ({ core }) => {
  const mia = await addUser(core, 'mia', 'member');
  const phone = await connectOf(core, mia, 'phone');
  assert.is(await ask(phone, 'nodes.ask-renewal'), 'INPUT_INVALID', 'there is nothing to renew');
  await run(core, 'network.set', { keyLifeMs: DAY_MS });
  const { code } = (await ask(phone, 'nodes.ask-renewal')) as { code: string };
  assert.is(await ask(phone, 'approvals.approve', { code }), 'FORBIDDEN');
});

test('another key of the device is no renewal', async ({ core, clock }) => {
  const node = await joinNode(core, 'a');
  await run(core, 'nodes.expire', { node: 'a', in: 0 });
  await advance(clock, 300, 100);
  const { machineKey } = node;
  const back = await joinNode(core, 'a', { machineKey, nodeKey: randomKey(), token: undefined });
  await advance(clock, 300, 100);
  assert.ok(back.last('key')!.isExpired);
  assert.equal(seenBy(back), []);
});

test('a trace says that a key has expired, whatever the policy allows', async ({ core }) => {
  await joinNode(core, 'a');
  await joinNode(core, 'b');
  await run(core, 'nodes.expire', { node: 'a', in: 0 });
  for (const [from, to] of [
    ['a', 'b'],
    ['b', 'a'],
  ]) {
    const traced = (await core.operations.run(ROOT, 'policy.trace', { from, to, port: 22 })) as { text: string };
    assert.match(traced.text, 'refused: the key of a has expired');
  }
});

test('the policy to start from and expired nodes together hide what each hides', async ({ core, clock }) => {
  await core.operations.run(ROOT, 'policy.set', { text: DEFAULT_POLICY });
  const mia = await addUser(core, 'mia', 'member');
  const [phone, tablet] = [await connectOf(core, mia, 'phone'), await connectOf(core, mia, 'tablet')];
  await connectOf(core, await addUser(core, 'max', 'member'), 'other');
  await advance(clock, 300, 100);
  assert.equal(seenBy(phone), ['tablet']);
  await run(core, 'nodes.expire', { node: 'tablet', in: 0 });
  await advance(clock, 300, 100);
  assert.equal([seenBy(phone), seenBy(tablet)], [[], []]);
});

test.run();
