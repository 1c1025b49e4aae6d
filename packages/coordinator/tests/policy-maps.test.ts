import { DEFAULT_POLICY, hashMap } from '@pcloud/netmap';
import * as assert from 'uvu/assert';
import type { Core } from '../src/core.ts';
import {
  addUser,
  advance,
  type CoreContext,
  codeOf,
  connectNode,
  coreSuite,
  ROOT,
  randomKey,
  seenBy,
  tokenOf,
} from '../src/testing/core-suite.ts';
import { createMemoryNode, type MemoryNode, type MemoryNodeOptions } from '../src/testing/memory-control.ts';

const NOTHING = '{ "rules": [] }';
const test = coreSuite('policy');

/** A device of a user, or, without one, a server of the network. */
async function addNode(
  core: Core,
  name: string,
  user?: string,
  input: object = {},
  options: MemoryNodeOptions = {},
): Promise<MemoryNode> {
  const wish = user === undefined ? { role: 'server' } : { user };
  const { link } = (await core.operations.run(ROOT, 'invites.create', { ...wish, ...input })) as { link: string };
  return connectNode(core, name, { token: tokenOf(link), ...options });
}

const setPolicy = (core: Core, text: string, actor = ROOT): Promise<unknown> =>
  core.operations.run(actor, 'policy.set', { text });

function presentNames(node: MemoryNode): string[] {
  const named = new Map([...node.map!.nodes].map(([id, { name }]) => [id, name]));
  const others = [...node.presence.keys()].filter((id) => id !== node.map!.self.id);
  return others.map((id) => named.get(id) ?? `stranger ${id}`).sort();
}

/** The node again, with the map that it had. */
function resume(core: Core, { machineKey, nodeKey, map }: MemoryNode): MemoryNode {
  const { epoch, revision } = map!;
  const keys = { machineKey, nodeKey, ephemeral: randomKey() };
  const has = { epoch, revision, hash: hashMap(map!) };
  const node = createMemoryNode('again', core.control, core.network, { ...keys, map: has });
  node.map = map;
  return node;
}

async function createHousehold({ core, clock }: CoreContext) {
  const ada = await addUser(core, 'ada', 'owner');
  const bob = await addUser(core, 'bob', 'member');
  const seed = await addNode(core, 'seed');
  const [laptop, phone] = [await addNode(core, 'laptop', 'ada'), await addNode(core, 'phone', 'ada')];
  const tablet = await addNode(core, 'tablet', 'bob');
  await advance(clock, 1_000);
  return { ada, bob, seed, laptop, phone, tablet, all: [seed, laptop, phone, tablet] };
}

test('before anybody sets a policy everybody sees everybody, and lets in everything', async (context) => {
  const { all, tablet } = await createHousehold(context);
  for (const node of all) assert.is(seenBy(node).length, 3);
  assert.is(tablet.map!.filter, undefined);
});

test('a policy takes those who may not be reached out of maps, by a delta, and says what is let in', async (context) => {
  const { all, seed, laptop, tablet } = await createHousehold(context);
  await setPolicy(context.core, DEFAULT_POLICY);
  await advance(context.clock, 1_000);
  assert.equal(seenBy(laptop), ['phone', 'seed']);
  assert.equal(seenBy(tablet), ['seed']);
  assert.equal(seenBy(seed), ['laptop', 'phone', 'tablet']);
  assert.ok(laptop.map!.filter!.some(({ from }) => from.includes('user:ada')));
  assert.ok(all.every((node) => node.mismatches === 0 && node.last('delta') !== undefined));
  assert.is(all.filter((node) => node.received.filter(({ kind }) => kind === 'map').length > 1).length, 0);
});

test('nobody is told where a node is that is not in its map', async (context) => {
  const { core, clock } = context;
  await setPolicy(core, DEFAULT_POLICY);
  const { laptop, tablet, phone } = await createHousehold(context);
  assert.equal(presentNames(laptop), ['phone', 'seed']);
  tablet.send({ kind: 'endpoints', endpoints: ['198.51.100.9:9'] });
  phone.send({ kind: 'endpoints', endpoints: ['198.51.100.8:8'] });
  await advance(clock, 1_000);
  const told = laptop.received.flatMap((message) => (message.kind === 'presence' ? message.nodes : []));
  assert.ok(told.some(({ endpoints }) => endpoints.includes('198.51.100.8:8')));
  assert.not.ok(told.some(({ endpoints }) => endpoints.includes('198.51.100.9:9')));
});

test('who comes into view is there with its endpoints', async (context) => {
  const { core, clock } = context;
  await setPolicy(core, DEFAULT_POLICY);
  const { laptop } = await createHousehold(context);
  await setPolicy(core, '{ "rules": [{ "src": ["ada"], "dst": ["bob:22"] }] }');
  await advance(clock, 1_000);
  assert.equal(seenBy(laptop), ['seed', 'tablet']);
  assert.ok(presentNames(laptop).includes('tablet'));
});

test('the devices of a user who is disabled are in no map, and back when the user is', async (context) => {
  const { core, clock } = context;
  await setPolicy(core, DEFAULT_POLICY);
  const { seed, laptop, bob } = await createHousehold(context);
  assert.ok(bob.kind === 'user');
  await core.operations.run(ROOT, 'users.disable', { user: 'bob' });
  await advance(clock, 1_000);
  assert.equal(seenBy(seed), ['laptop', 'phone']);
  assert.equal(seenBy(laptop), ['phone', 'seed']);
  await core.operations.run(ROOT, 'users.enable', { user: 'bob' });
  await advance(clock, 1_000);
  assert.equal(seenBy(seed), ['laptop', 'phone', 'tablet']);
});

test('a device that gets another user sees what that user may see, and is seen so', async (context) => {
  const { core, clock } = context;
  await setPolicy(core, DEFAULT_POLICY);
  const { laptop, tablet } = await createHousehold(context);
  await core.operations.run(ROOT, 'users.remove', { user: 'bob' });
  await advance(clock, 1_000);
  await core.operations.run(ROOT, 'nodes.adopt', { node: 'tablet', user: 'ada' }).catch(() => undefined);
  await advance(clock, 1_000);
  if (!tablet.isClosed) assert.equal(seenBy(tablet), ['laptop', 'phone', 'seed']);
  assert.equal(seenBy(laptop), ['phone', 'seed', 'tablet']);
  assert.is(laptop.mismatches, 0);
});

test('what changes for others is no news to who does not see it', async (context) => {
  const { core, clock } = context;
  await setPolicy(core, DEFAULT_POLICY);
  const { laptop, tablet } = await createHousehold(context);
  const before = laptop.received.length;
  await core.operations.run(ROOT, 'nodes.rename', { node: 'tablet', name: 'slate' });
  await advance(clock, 1_000);
  assert.is(laptop.received.length, before);
  assert.is(tablet.map!.self.name, 'slate');
});

test('who comes back resumes over changes of others, and has a whole map once the policy is another', async (context) => {
  const { core, clock } = context;
  await setPolicy(core, DEFAULT_POLICY);
  const { laptop } = await createHousehold(context);
  const back = async (): Promise<MemoryNode> => {
    const node = resume(core, laptop);
    await advance(clock, 1_000);
    return node;
  };
  laptop.disconnect();
  await core.operations.run(ROOT, 'nodes.rename', { node: 'tablet', name: 'slate' });
  await core.operations.run(ROOT, 'nodes.rename', { node: 'phone', name: 'handy' });
  const resumed = await back();
  assert.is(resumed.last('map'), undefined);
  assert.equal(
    resumed.last('delta')!.changed.map(({ name }) => name),
    ['handy'],
  );
  resumed.disconnect();
  await setPolicy(core, NOTHING);
  const again = await back();
  assert.equal(seenBy(again), ['seed']);
});

test('the device of a user who was removed takes no part, until somebody adopts it', async (context) => {
  const { core, clock } = context;
  await setPolicy(core, DEFAULT_POLICY);
  const { seed, laptop, tablet } = await createHousehold(context);
  const { id } = tablet.map!.self;
  await core.operations.run(ROOT, 'users.remove', { user: 'bob' });
  await advance(clock, 1_000);
  assert.equal(seenBy(laptop), ['phone', 'seed']);
  assert.equal(seenBy(seed), ['laptop', 'phone']);
  await core.operations.run(ROOT, 'nodes.adopt', { node: id, user: 'ada' });
  await advance(clock, 1_000);
  assert.equal(seenBy(laptop), ['phone', 'seed', 'tablet']);
});

test('who comes back is told by a delta of the last device of its kind that went', async (context) => {
  const { core, clock } = context;
  await setPolicy(core, DEFAULT_POLICY);
  const { seed } = await createHousehold(context);
  seed.disconnect();
  await core.operations.run(ROOT, 'nodes.remove', { node: 'tablet' });
  const again = resume(core, seed);
  await advance(clock, 1_000);
  assert.equal(again.last('delta')!.removed.length, 1);
  assert.is(again.mismatches, 0);
  assert.equal(seenBy(again), ['laptop', 'phone']);
});

test('who comes back after a user was removed has a map that fits', async (context) => {
  const { core, clock } = context;
  await setPolicy(core, DEFAULT_POLICY);
  const { seed } = await createHousehold(context);
  seed.disconnect();
  await core.operations.run(ROOT, 'users.remove', { user: 'bob' });
  const again = resume(core, seed);
  await advance(clock, 1_000);
  assert.is(again.mismatches, 0);
  assert.equal(seenBy(again), ['laptop', 'phone']);
});

test('a policy that cannot be read, or whose tests fail, is refused whole, and the old one stays', async (context) => {
  const { core } = context;
  await createHousehold(context);
  await setPolicy(core, DEFAULT_POLICY);
  const failing = '{ "rules": [], "tests": [{ "src": "ada", "accept": ["bob:22"] }] }';
  assert.is(await codeOf(setPolicy(core, '{ "rules": [{ "src": ["nobody:1"] }] }')), 'POLICY_INVALID');
  assert.is(await codeOf(setPolicy(core, failing)), 'POLICY_TESTS_FAILED');
  const { text } = (await core.operations.run(ROOT, 'policy.get', {})) as { text: string };
  assert.is(text, DEFAULT_POLICY);
});

test('of two who edit at once the second is told', async (context) => {
  const { core } = context;
  const { revision } = (await core.operations.run(ROOT, 'policy.get', {})) as { revision: number };
  const set = (text: string) => core.operations.run(ROOT, 'policy.set', { text, revision });
  await set(DEFAULT_POLICY);
  assert.is(await codeOf(set(NOTHING)), 'CONFLICT');
});

test('a trace names the rule, and the floor that no policy takes away', async (context) => {
  const { core } = context;
  await createHousehold(context);
  await setPolicy(core, '{ "rules": [{ "src": ["ada"], "dst": ["bob:22"], "proto": "tcp" }] }');
  const trace = (from: string, to: string, port: number) =>
    core.operations.run(ROOT, 'policy.trace', { from, to, port }) as Promise<{ allowed: boolean; text: string }>;
  assert.match((await trace('laptop', 'tablet', 22)).text, /allowed by rules\[0\], line 1$/);
  assert.match((await trace('tablet', 'laptop', 22)).text, /no rule allows it$/);
  assert.match((await trace('tablet', 'seed.pcloud', 8443)).text, 'allowed by the floor');
});

test('members may not look at a policy, nor at nodes that their devices may not see', async (context) => {
  const { core } = context;
  const { bob } = await createHousehold(context);
  await setPolicy(core, DEFAULT_POLICY);
  assert.is(await codeOf(core.operations.run(bob, 'policy.get', {})), 'FORBIDDEN');
  const listed = (await core.operations.run(bob, 'nodes.list', {})) as { name: string }[];
  assert.equal(listed.map(({ name }) => name).sort(), ['seed', 'tablet']);
  assert.is(await codeOf(core.operations.run(bob, 'whois', { node: 'laptop' })), 'NODE_UNKNOWN');
});

test.run();
