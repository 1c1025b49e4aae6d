import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashMap, parseJoinLink } from '@pcloud/netmap';
import * as assert from 'uvu/assert';
import { hasOwner } from '../src/accounts/index.ts';
import type { Core } from '../src/core.ts';
import type { Actor } from '../src/operations/operation.ts';
import { createMemoryStore, type Store, StoreError } from '../src/store/index.ts';
import {
  addUser,
  advance,
  codeOf,
  connectNode,
  coreSuite,
  PASSWORD,
  ROOT,
  settle,
  tokenOf,
} from '../src/testing/core-suite.ts';
import { createFakeTimers } from '../src/testing/fake-timers.ts';
import { openMemoryCore } from '../src/testing/memory-core.ts';

const test = coreSuite('core');

async function invite(core: Core, actor: Actor, input: object = {}): Promise<string> {
  const { link } = (await core.operations.run(actor, 'invites.create', input)) as { link: string };
  return tokenOf(link);
}

test('the link of a user makes a node of that user, whom others see', async ({ core, clock }) => {
  const ann = await addUser(core, 'ann', 'member');
  const token = await invite(core, ann);
  const server = connectNode(core, 'server', {
    token: tokenOf(await core.createJoinLink({ isServer: true, index: 1 })),
  });
  await settle();
  connectNode(core, 'laptop', { token });
  await advance(clock, 200);
  assert.equal(server.map!.self.addresses[0], '10.0.0.1');
  assert.is(server.map!.self.role, 'server');
  const [laptop] = [...server.map!.nodes.values()];
  assert.equal([laptop!.name, laptop!.user, laptop!.role], ['laptop', 'ann', 'client']);
});

test('of fifty machines with one one-off link one gets in', async ({ core }) => {
  const token = tokenOf(await core.createJoinLink({}));
  const nodes = Array.from({ length: 50 }, (_, index) =>
    connectNode(core, `n${index}`, { token, source: `198.51.100.${index}` }),
  );
  for (let turn = 0; turn < 20; turn++) await settle();
  assert.is(nodes.filter((node) => node.last('welcome')).length, 1);
  const codes = new Set(nodes.map((node) => node.last('refused')?.code).filter(Boolean));
  assert.equal([...codes], ['TOKEN_USED']);
  assert.is(core.registry.nodes.size, 1);
});

test('a link that was altered, has expired or was used is refused under its own code', async ({ core, clock }) => {
  const unknown = connectNode(core, 'a', { token: 'x'.repeat(32) });
  const late = tokenOf(await core.createJoinLink({ expiresInMs: 1_000 }));
  const once = tokenOf(await core.createJoinLink({}));
  connectNode(core, 'b', { token: once });
  await advance(clock, 2_000);
  const second = connectNode(core, 'c', { token: once });
  const expired = connectNode(core, 'd', { token: late });
  await settle();
  const codes = [unknown, second, expired].map((node) => node.last('refused')?.code);
  assert.equal(codes, ['TOKEN_UNKNOWN', 'TOKEN_USED', 'TOKEN_EXPIRED']);
});

test('a retry by the same machine gets the same answer, though its link is used', async ({ core }) => {
  const token = tokenOf(await core.createJoinLink({}));
  const first = connectNode(core, 'a', { token });
  await settle();
  first.disconnect();
  const again = connectNode(core, 'a', { token, machineKey: first.machineKey, nodeKey: first.nodeKey });
  await settle();
  assert.equal(again.map!.self, first.map!.self);
});

test('a machine without a link joins once a user types its code, as a node of that user', async ({ core, clock }) => {
  const ann = await addUser(core, 'ann', 'member');
  const machine = connectNode(core, 'tv', { token: undefined });
  await settle();
  const { code, url } = machine.last('pending')!;
  assert.is(url, 'https://10.0.0.1:8443/approve');
  assert.equal(((await core.operations.run(ann, 'approvals.look', { code })) as { name: string }).name, 'tv');
  await core.operations.run(ann, 'approvals.approve', { code: code.toLowerCase() });
  await advance(clock, 1_000);
  assert.is(machine.map?.self.user, 'ann');
});

test('a machine that is denied is told so', async ({ core, clock }) => {
  const ann = await addUser(core, 'ann', 'member');
  const machine = connectNode(core, 'tv', { token: undefined });
  await settle();
  await core.operations.run(ann, 'approvals.deny', { code: machine.last('pending')!.code });
  await advance(clock, 1_000);
  assert.is(machine.last('refused')?.code, 'APPROVAL_DENIED');
});

test('a node asks in the name of its user, and may no more than that user', async ({ core }) => {
  const ann = await addUser(core, 'ann', 'member');
  const node = connectNode(core, 'laptop', { token: await invite(core, ann) });
  await settle();
  node.send({ kind: 'request', id: 1, operation: 'invites.create', input: {} });
  node.send({
    kind: 'request',
    id: 2,
    operation: 'users.add',
    input: { name: 'x', role: 'owner', password: PASSWORD },
  });
  await settle();
  assert.match((node.last('response')!.result as { link: string }).link, /^https:\/\/192\.0\.2\.1:8443\/join#/);
  assert.equal([node.last('failure')!.id, node.last('failure')!.code], [2, 'FORBIDDEN']);
});

test('a node of nobody may leave, and ask for nothing else', async ({ core, clock }) => {
  const node = connectNode(core, 'server', { token: tokenOf(await core.createJoinLink({})) });
  await settle();
  node.send({ kind: 'request', id: 1, operation: 'nodes.list', input: {} });
  await settle();
  assert.is(node.last('failure')!.code, 'FORBIDDEN');
  node.send({ kind: 'request', id: 2, operation: 'nodes.leave', input: {} });
  await advance(clock, 500);
  assert.is(core.registry.nodes.size, 0);
});

test('a node that leaves has its answer before its channel ends, however slow the store is', async (context) => {
  const { core: first, directory, clock } = context;
  first.close();
  const slow: Store = {
    ...context.store,
    get revision() {
      return context.store.revision;
    },
    async commit(commit) {
      const result = await context.store.commit(commit);
      await new Promise<void>((resolve) => clock.setTimer(resolve, 300));
      return result;
    },
  };
  const opening = openMemoryCore(directory, slow, clock);
  await advance(clock, 2_000);
  const core = await opening;
  context.core = core;
  const link = core.createJoinLink({});
  await advance(clock, 1_000);
  const node = connectNode(core, 'laptop', { token: tokenOf(await link) });
  await advance(clock, 1_000);
  node.send({ kind: 'request', id: 1, operation: 'nodes.leave', input: {} });
  await advance(clock, 3_000);
  assert.equal(node.last('response')!.result, { removed: 'laptop' });
  assert.is(node.last('refused')!.code, 'NODE_REMOVED');
});

test('a device that is adopted asks in the name of its new user at once, on the connection that it has', async ({
  core,
}) => {
  const node = connectNode(core, 'laptop', { token: tokenOf(await core.createJoinLink({})) });
  await settle();
  const ann = await addUser(core, 'ann', 'owner');
  await core.operations.run(ann, 'nodes.adopt', { node: 'laptop' });
  node.send({ kind: 'request', id: 1, operation: 'users.list', input: {} });
  await settle();
  assert.equal((node.last('response')!.result as { name: string }[])[0]!.name, 'ann');
});

test('a member changes own nodes only, an admin any', async ({ core }) => {
  const [ann, bob, eve] = [
    await addUser(core, 'ann', 'member'),
    await addUser(core, 'bob', 'member'),
    await addUser(core, 'eve', 'admin'),
  ];
  connectNode(core, 'laptop', { token: await invite(core, ann) });
  await settle();
  assert.is(await codeOf(core.operations.run(bob, 'nodes.rename', { node: 'laptop', name: 'x' })), 'FORBIDDEN');
  assert.is(await codeOf(core.operations.run(bob, 'nodes.remove', { node: 'laptop' })), 'FORBIDDEN');
  await core.operations.run(ann, 'nodes.rename', { node: 'laptop', name: 'mine' });
  await core.operations.run(eve, 'nodes.remove', { node: 'mine.pcloud' });
  await settle();
  assert.is(core.registry.nodes.size, 0);
});

test('a revoked node ends with its connection and the invitations made on it', async ({ core, clock }) => {
  const ann = await addUser(core, 'ann', 'member');
  const node = connectNode(core, 'laptop', { token: await invite(core, ann) });
  await settle();
  node.send({ kind: 'request', id: 1, operation: 'invites.create', input: {} });
  await settle();
  const token = tokenOf((node.last('response')!.result as { link: string }).link);
  await core.operations.run(ann, 'nodes.remove', { node: 'laptop', revoke: true });
  await advance(clock, 500);
  assert.is(node.last('refused')?.code, 'NODE_REMOVED');
  const other = connectNode(core, 'other', { token });
  await settle();
  assert.is(other.last('refused')?.code, 'TOKEN_UNKNOWN');
});

test('class 17: a device that is taken out while it resumes is told so, and nobody else is disturbed', async (context) => {
  const { core, store, clock } = context;
  const node = connectNode(core, 'laptop', { token: tokenOf(await core.createJoinLink({})) });
  const other = connectNode(core, 'other', { token: tokenOf(await core.createJoinLink({})) });
  await advance(clock, 200);
  const { epoch, revision } = node.map!;
  node.disconnect();
  // The last thing that the door looks at, and meanwhile the device goes.
  const reach = core.registry.reach;
  core.registry.reach = async (wanted) => {
    core.registry.reach = reach;
    await core.operations.run(ROOT, 'nodes.remove', { node: 'laptop' });
    await core.registry.reach(store.revision);
    await reach(wanted);
  };
  const keys = { machineKey: node.machineKey, nodeKey: node.nodeKey };
  const again = connectNode(core, 'laptop', { ...keys, map: { epoch, revision, hash: hashMap(node.map!) } });
  await advance(clock, 500);
  assert.is(again.last('refused')?.code, 'NODE_REMOVED');
  assert.is(other.isClosed, false);
  assert.is(core.control.connected.size, 1);
});

test('class 3: an account that is disabled while its device joins has no device connected', async ({ core, clock }) => {
  const ann = await addUser(core, 'ann', 'member');
  const token = await invite(core, ann);
  const reach = core.registry.reach;
  core.registry.reach = async (wanted) => {
    core.registry.reach = reach;
    await reach(wanted);
    await core.operations.run(ROOT, 'users.disable', { user: 'ann' });
  };
  const node = connectNode(core, 'laptop', { token });
  await advance(clock, 500);
  assert.is(node.last('refused')?.code, 'USER_DISABLED');
  assert.is(core.control.connected.size, 0);
});

test('class 11: a request with control characters, or of any length, is answered, and its channel stays', async ({
  core,
}) => {
  const ann = await addUser(core, 'ann', 'owner');
  const node = connectNode(core, 'laptop', { token: await invite(core, ann) });
  await settle();
  const wishes = ['a\nb', '\u{1b}[31mred', 'x'.repeat(200), '\u{202e}', '\u{2028}', '\u{d83d}\u{de00}'.repeat(90)];
  for (const [id, wish] of wishes.entries()) {
    node.send({ kind: 'request', id, operation: 'whois', input: { node: wish } });
    await settle();
    const failure = node.last('failure')!;
    assert.equal([failure.id, failure.code], [id, 'NODE_UNKNOWN'], JSON.stringify(wish));
  }
  assert.is(node.isClosed, false);
});

test('a disabled user is cut off with every device, until enabled again', async ({ core, clock }) => {
  const ann = await addUser(core, 'ann', 'member');
  const node = connectNode(core, 'laptop', { token: await invite(core, ann) });
  await settle();
  await core.operations.run(ROOT, 'users.disable', { user: 'ann' });
  await settle();
  assert.is(node.last('refused')?.code, 'USER_DISABLED');
  const keys = { machineKey: node.machineKey, nodeKey: node.nodeKey };
  const refused = connectNode(core, 'laptop', keys);
  await settle();
  assert.is(refused.last('refused')?.code, 'USER_DISABLED');
  await core.operations.run(ROOT, 'users.enable', { user: 'ann' });
  const back = connectNode(core, 'laptop', keys);
  await advance(clock, 200);
  assert.ok(back.map);
});

test('an address can be chosen, and only one that is free', async ({ core }) => {
  const input = { address: '10.0.3.7' };
  const first = connectNode(core, 'a', { token: await invite(core, ROOT, input) });
  await settle();
  assert.is(first.map!.self.addresses[0], '10.0.3.7');
  const second = connectNode(core, 'b', { token: await invite(core, ROOT, input) });
  await settle();
  assert.is(second.last('refused')?.code, 'ADDRESS_IN_USE');
  assert.is(await codeOf(core.operations.run(ROOT, 'invites.create', { address: '10.9.0.1' })), 'ADDRESS_INVALID');
});

test('an ephemeral node that is away for half an hour is no more, others stay', async ({ core, clock }) => {
  const gone = connectNode(core, 'ci', { token: tokenOf(await core.createJoinLink({ ephemeral: true })) });
  const stays = connectNode(core, 'pi', { token: tokenOf(await core.createJoinLink({})) });
  await settle();
  for (const node of [gone, stays]) node.disconnect();
  for (let minute = 0; minute < 32; minute++) {
    clock.advance(60_000);
    await settle();
  }
  assert.equal([...core.registry.names.keys()], ['pi']);
});

test('a restart has the same network, nodes and addresses, and resumes maps by their hash', async (context) => {
  const { core, clock } = context;
  const node = connectNode(core, 'a', { token: tokenOf(await core.createJoinLink({})) });
  await settle();
  const map = node.last('map')!;
  core.close();
  context.core = await openMemoryCore(context.directory, context.store, context.clock);
  assert.equal(context.core.network.id, core.network.id);
  const { epoch, revision, hash } = map;
  const back = connectNode(context.core, 'a', {
    machineKey: node.machineKey,
    nodeKey: node.nodeKey,
    map: { epoch, revision, hash },
  });
  back.map = node.map;
  await advance(clock, 200);
  assert.is(back.last('map'), undefined);
  assert.equal(back.last('delta')?.changed, []);
});

test('input that is not as it should be is refused by the name of its field', async ({ core }) => {
  for (const [name, input, field] of [
    ['nodes.rename', { node: 'a' }, 'name'],
    ['users.set-role', { user: 'a', role: 'god' }, 'role'],
    ['invites.create', { expiresInMs: -1 }, 'expiresInMs'],
    ['invites.create', { surprise: 1 }, 'surprise'],
  ] as const) {
    try {
      await core.operations.run(ROOT, name, input);
      assert.unreachable(name);
    } catch (error) {
      assert.is((error as { code: string }).code, 'INPUT_INVALID');
      assert.ok((error as Error).message.startsWith(`${field}:`), (error as Error).message);
    }
  }
});

test('every operation refuses those below its role', async ({ core }) => {
  const member = await addUser(core, 'ann', 'member');
  const admin = await addUser(core, 'eve', 'admin');
  for (const { name, least } of core.operations.names()) {
    for (const [actor, role] of [
      [member, 'member'],
      [admin, 'admin'],
    ] as const) {
      const ranks = ['member', 'admin', 'owner'];
      if (ranks.indexOf(role) >= ranks.indexOf(least)) continue;
      assert.is(await codeOf(core.operations.run(actor, name, {})), 'FORBIDDEN', `${name} by ${role}`);
    }
  }
});

test('a device that joins while the disk is full is told so, and its link is good once there is space', async (context) => {
  const { core, store, clock } = context;
  const link = parseJoinLink(await core.createJoinLink({}));
  if (link instanceof Error) throw link;
  const { commit } = store;
  store.commit = () => Promise.reject(new StoreError('FAILED', 'store: IO error: 3.log: No space left on device'));
  const early = connectNode(core, 'laptop', { token: link.token });
  await advance(clock, 500);
  const refused = early.received.find((message) => message.kind === 'refused');
  assert.is(refused?.kind === 'refused' && refused.code, 'TRY_LATER');
  assert.match(refused?.kind === 'refused' ? refused.message : '', 'the disk of the server is full');
  assert.is(core.registry.nodes.size, 0);
  store.commit = commit;
  const late = connectNode(core, 'laptop', { token: link.token });
  await advance(clock, 500);
  assert.ok(late.received.some((message) => message.kind === 'welcome'));
});

test('class 5: two networks made of nothing have no key, id, code or link in common, and no account', async ({
  core,
  directory,
  store,
}) => {
  const other = join(directory, 'other');
  const otherStore = createMemoryStore();
  const second = await openMemoryCore(other, otherStore, createFakeTimers());
  const picture = async (each: Core, at: string) => [
    Buffer.from(each.network.id).toString('hex'),
    Buffer.from(each.network.channelPrivate).toString('hex'),
    readFileSync(join(at, 'root.key'), 'latin1'),
    await each.accounts.ownerLink.issue(),
    tokenOf(await each.createJoinLink({})),
  ];
  const [a, b] = [await picture(core, directory), await picture(second, other)];
  assert.is(new Set([...a, ...b]).size, a.length + b.length);
  for (const each of [core, second]) assert.equal(await each.operations.run(ROOT, 'users.list', {}), []);
  assert.is(await hasOwner(store), false);
  second.close();
  await otherStore.close();
});

test.run();
