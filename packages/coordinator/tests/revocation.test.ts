import { createRevocationSet, DEFAULT_POLICY, encodeBase64 } from '@pcloud/netmap';
import * as assert from 'uvu/assert';
import type { Core } from '../src/core.ts';
import type { RevokedFace } from '../src/operations/nodes.ts';
import type { Actor } from '../src/operations/operation.ts';
import { addUser, advance, coreSuite, joinNode, ROOT, randomKey, settle, tokenOf } from '../src/testing/core-suite.ts';
import { crypto, type MemoryNode } from '../src/testing/memory-control.ts';
import { openMemoryCore } from '../src/testing/memory-core.ts';

const NOBODY = { names: [], others: 0 };
const test = coreSuite('revocation');

const again = (core: Core, name: string, { machineKey, nodeKey, revocations }: MemoryNode): Promise<MemoryNode> =>
  joinNode(core, name, { machineKey, nodeKey, revocations, token: undefined });

const revoke = (core: Core, node: string, actor: Actor = ROOT): Promise<RevokedFace> =>
  core.operations.run(actor, 'nodes.remove', { node, revoke: true }) as Promise<RevokedFace>;

const keyOf = (node: MemoryNode): string => encodeBase64(crypto.publicKey(node.nodeKey));

test('every node that is connected is told, confirms, and nobody is named', async ({ core }) => {
  const nodes = [await joinNode(core, 'a'), await joinNode(core, 'b'), await joinNode(core, 'c')];
  const id = nodes[2]!.last('welcome')!.nodeId;
  const { unconfirmed, away } = await revoke(core, 'c');
  assert.equal([unconfirmed, away], [NOBODY, NOBODY]);
  for (const node of nodes.slice(0, 2)) {
    assert.equal(node.revocations.entries, [{ nodeId: id, nodeKey: keyOf(nodes[2]!) }]);
  }
});

test('it is told at once, and not with the changes of maps that are gathered', async ({ core, clock }) => {
  const [watcher] = [await joinNode(core, 'a'), await joinNode(core, 'b')];
  await advance(clock, 1_000);
  await core.operations.run(ROOT, 'nodes.rename', { node: 'b', name: 'bb' });
  clock.advance(10);
  await settle();
  await revoke(core, 'bb');
  assert.is(watcher!.revocations.entries.length, 1, 'no time has passed');
});

test('after two seconds the connected that have not confirmed are named, and those that are away', async ({
  core,
  clock,
}) => {
  const [quiet, absent] = [await joinNode(core, 'quiet'), await joinNode(core, 'absent')];
  await joinNode(core, 'old', { versions: { least: 1, most: 1 }, token: tokenOf(await core.createJoinLink({})) });
  await joinNode(core, 'good');
  await joinNode(core, 'thief');
  quiet.confirms = false;
  absent.disconnect();
  const answer = revoke(core, 'thief');
  let isDone = false;
  void answer.then(() => {
    isDone = true;
  });
  await advance(clock, 1_900);
  assert.not.ok(isDone);
  await advance(clock, 150);
  const { unconfirmed, away } = await answer;
  assert.equal(unconfirmed, { names: ['old', 'quiet'], others: 0 });
  assert.equal(away, { names: ['absent'], others: 0 });
});

test('a node that goes away while it is waited for is away, and waited for no more', async ({ core }) => {
  const quiet = await joinNode(core, 'quiet');
  await joinNode(core, 'thief');
  quiet.confirms = false;
  const answer = revoke(core, 'thief');
  await settle();
  quiet.disconnect();
  const { unconfirmed, away } = await answer;
  assert.equal([unconfirmed, away], [NOBODY, { names: ['quiet'], others: 0 }]);
});

test('who was away hears of it when it is back, and who has it already is asked for its hash alone', async ({
  core,
}) => {
  const absent = await joinNode(core, 'absent');
  await joinNode(core, 'thief');
  await joinNode(core, 'other-thief');
  absent.disconnect();
  await settle();
  await revoke(core, 'thief');
  const back = await again(core, 'absent', absent);
  assert.is(back.revocations.entries.length, 1);
  assert.equal(
    back.received
      .filter(({ kind }) => kind === 'revocations')
      .map((message) => 'nodes' in message && message.nodes.length),
    [0, 1],
  );
  back.disconnect();
  await settle();
  const third = await again(core, 'absent', back);
  assert.equal(third.received.filter(({ kind }) => kind === 'revocations').length, 1);
  assert.equal((await revoke(core, 'other-thief')).unconfirmed, NOBODY);
  assert.is(third.revocations.entries.length, 2);
});

test('a node that knows of more than a server that was put back confirms all the same', async ({ core }) => {
  const revocations = createRevocationSet();
  revocations.add([{ nodeId: 'long-gone', nodeKey: encodeBase64(crypto.publicKey(randomKey())) }]);
  const node = await joinNode(core, 'a', { revocations, token: tokenOf(await core.createJoinLink({})) });
  await joinNode(core, 'b');
  await joinNode(core, 'c');
  assert.equal((await revoke(core, 'b')).unconfirmed, NOBODY);
  assert.equal((await revoke(core, 'c')).unconfirmed, NOBODY);
  assert.is(node.revocations.entries.length, 3);
  const back = await again(core, 'a', node);
  assert.is(back.revocations.entries.length, 3);
  assert.not.ok(back.isClosed);
});

test('the list outlives the server, which tells it to nodes that are new', async (context) => {
  await joinNode(context.core, 'a');
  await joinNode(context.core, 'b');
  await revoke(context.core, 'b');
  context.core.close();
  context.core = await openMemoryCore(context.directory, context.store, context.clock);
  const node = await joinNode(context.core, 'new');
  assert.is(node.revocations.entries.length, 1);
});

test('class 18: neither machine nor node key of a revoked device comes in again, whatever its link', async ({
  core,
}) => {
  const thief = await joinNode(core, 'thief');
  await revoke(core, 'thief');
  const token = tokenOf(await core.createJoinLink({ reusable: true }));
  const same = await joinNode(core, 'x', { machineKey: thief.machineKey, nodeKey: randomKey(), token });
  assert.is(same.last('refused')?.code, 'NODE_REMOVED');
  const key = await joinNode(core, 'x', { machineKey: randomKey(), nodeKey: thief.nodeKey, token });
  assert.is(key.last('refused')?.code, 'KEY_IN_USE');
  const other = await joinNode(core, 'x', { token });
  assert.ok(other.last('welcome'));
  const turned = await joinNode(core, 'x', { machineKey: other.machineKey, nodeKey: thief.nodeKey, token: undefined });
  assert.is(turned.last('refused')?.code, 'KEY_IN_USE', 'nor as the new key of a member');
});

test('a device that was only removed gives its keys back', async ({ core }) => {
  const node = await joinNode(core, 'a');
  await core.operations.run(ROOT, 'nodes.remove', { node: 'a' });
  await settle();
  const token = tokenOf(await core.createJoinLink({}));
  assert.ok((await joinNode(core, 'a', { machineKey: node.machineKey, nodeKey: node.nodeKey, token })).last('welcome'));
});

test('what was let in through the device is listed: by links, by codes, and as accounts', async ({ core, clock }) => {
  const olga = await addUser(core, 'olga', 'owner');
  const link = (await core.operations.run(olga, 'invites.create', {})) as { link: string };
  const laptop = await joinNode(core, 'laptop', { token: tokenOf(link.link) });
  let requests = 0;
  const ask = async (operation: string, input: object): Promise<never> => {
    requests += 1;
    laptop.send({ kind: 'request', id: requests, operation, input });
    const answerOf = () => laptop.received.findLast((message) => 'id' in message && message.id === requests);
    // A password is hashed on threads of its own, which a busy machine is slow to run.
    while (!['response', 'failure'].includes(answerOf()?.kind ?? '')) await new Promise((done) => setTimeout(done, 1));
    const answer = answerOf();
    assert.ok(answer?.kind === 'response', JSON.stringify(answer));
    return answer.result as never;
  };
  const made: { link: string } = await ask('invites.create', {});
  await joinNode(core, 'by-link', { token: tokenOf(made.link) });
  const machine = await joinNode(core, 'by-code', { token: undefined, machineKey: randomKey() });
  await ask('approvals.approve', { code: machine.last('pending')!.code });
  await ask('users.add', { name: 'mallory', role: 'admin', password: 'correct horse battery' });
  const invited: { url: string } = await ask('invitations.create', { role: 'member' });
  const secret = invited.url.slice(invited.url.lastIndexOf('/') + 1);
  await core.accounts.invitations.register(secret, { name: 'mike', password: 'correct horse battery' });
  await ask('invites.create', {});
  await joinNode(core, 'elsewhere');
  await advance(clock, 200);
  const { ended, addedNodes, addedUsers } = await revoke(core, 'laptop', olga);
  assert.equal(addedNodes, { names: ['by-code', 'by-link'], others: 0 });
  assert.equal([...addedUsers].sort(), ['mallory', 'mike']);
  assert.is(ended, 1, 'the link that nobody has used');
});

test('a member who revokes a device is told of devices out of sight by number only', async ({ core, clock }) => {
  await core.operations.run(ROOT, 'policy.set', { text: DEFAULT_POLICY });
  const links = [];
  for (const name of ['mia', 'max']) {
    const user = await addUser(core, name, 'member');
    links.push({ user, link: ((await core.operations.run(user, 'invites.create', {})) as { link: string }).link });
  }
  await joinNode(core, 'phone', { token: tokenOf(links[0]!.link) });
  const hidden = await joinNode(core, 'hidden', { token: tokenOf(links[1]!.link) });
  hidden.confirms = false;
  const answer = revoke(core, 'phone', links[0]!.user);
  await advance(clock, 2_100);
  assert.equal((await answer).unconfirmed, { names: [], others: 1 });
});

test('a device that confirms what it was not told is ended', async ({ core }) => {
  const node = await joinNode(core, 'a');
  node.send({ kind: 'revoked', id: 7, hash: node.revocations.hash });
  await settle();
  assert.ok(node.isClosed);
});

test.run();
