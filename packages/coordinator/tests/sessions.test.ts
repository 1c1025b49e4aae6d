import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { below } from '../src/store/index.ts';
import { type AccountsRig, actorOf, createAccountsRig, PASSWORD } from '../src/testing/accounts-rig.ts';
import { expectCode } from './expect-code.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const PLACE = { source: '192.0.2.1', program: 'Firefox' };

async function createRig() {
  const rig = createAccountsRig();
  const ann = await rig.addUser('ann', 'owner');
  const bob = await rig.addUser('bob', 'member');
  return { ...rig, ann, bob };
}

async function isLive(rig: AccountsRig, secret: string): Promise<boolean> {
  return rig.sessions.check(secret).then(
    () => true,
    (error) => {
      assert.is(error.code, 'SESSION_ENDED');
      return false;
    },
  );
}

test('a session says who it is, with the role of now', async () => {
  const rig = await createRig();
  const { secret } = await rig.sessions.begin(rig.bob, PLACE);
  assert.is(Buffer.from(secret).length, 52);
  await rig.users.setRole(rig.root, rig.bob.id, 'admin');
  const { actor } = await rig.sessions.check(secret);
  assert.equal(actor, { kind: 'user', userId: rig.bob.id, role: 'admin', via: 'session' });
});

test('a secret that is nobody’s, altered or empty is no session', async () => {
  const rig = await createRig();
  const { secret } = await rig.sessions.begin(rig.bob, PLACE);
  for (const other of ['', 'x', secret.slice(0, -1), `${secret}a`, secret.toUpperCase(), `${secret}/`]) {
    assert.is(await isLive(rig, other), false);
  }
});

test('a session that is used lives 30 days, one that is not a week', async () => {
  const rig = await createRig();
  const used = await rig.sessions.begin(rig.bob, PLACE);
  const idle = await rig.sessions.begin(rig.bob, PLACE);
  rig.advance(6 * DAY_MS);
  assert.is(await isLive(rig, used.secret), true);
  rig.advance(DAY_MS - 1);
  assert.is(await isLive(rig, idle.secret), true);
  rig.advance(7 * DAY_MS);
  assert.is(await isLive(rig, idle.secret), false);
  const late = createAccountsRig();
  const user = await late.addUser('cid', 'owner');
  const { secret } = await late.sessions.begin(user, PLACE);
  for (let day = 1; day < 30; day++) {
    late.advance(DAY_MS);
    assert.is(await isLive(late, secret), true, `day ${day}`);
  }
  late.advance(DAY_MS);
  assert.is(await isLive(late, secret), false);
});

const endings: Readonly<Record<string, (rig: Awaited<ReturnType<typeof createRig>>) => Promise<unknown>>> = {
  'a new password of their own': ({ passwords, bob }) =>
    passwords.change(actorOf(bob), bob.id, 'another password', PASSWORD),
  'a password that an owner sets': ({ passwords, ann, bob }) =>
    passwords.change(actorOf(ann), bob.id, 'another password'),
  disabling: ({ users, root, bob }) => users.setDisabled(root, bob.id, true),
  'disabling, and enabling does not bring them back': async ({ users, root, bob }) => {
    await users.setDisabled(root, bob.id, true);
    await users.setDisabled(root, bob.id, false);
  },
  deletion: ({ users, root, bob }) => users.remove(root, bob.id),
};
for (const [name, end] of Object.entries(endings)) {
  test(`all sessions of a user end with ${name}, those of others do not`, async () => {
    const rig = await createRig();
    const first = await rig.sessions.begin(rig.bob, PLACE);
    const second = await rig.sessions.begin(rig.bob, PLACE);
    const other = await rig.sessions.begin(rig.ann, PLACE);
    await end(rig);
    const live = await Promise.all([first, second, other].map(({ secret }) => isLive(rig, secret)));
    assert.equal(live, [false, false, true]);
  });
}

test('sessions are listed to their user, without anything to use them by', async () => {
  const rig = await createRig();
  const { secret, session } = await rig.sessions.begin(rig.bob, PLACE);
  await rig.sessions.begin(rig.ann, PLACE);
  rig.advance(HOUR_MS);
  await rig.sessions.check(secret);
  const listed = await rig.sessions.list(actorOf(rig.bob), rig.bob.id);
  assert.equal(listed, [{ ...session, usedAtMs: session.createdAtMs + HOUR_MS }]);
  assert.equal(Object.keys(listed[0]!).sort(), [
    'createdAtMs',
    'expiresAtMs',
    'id',
    'program',
    'source',
    'usedAtMs',
    'userId',
  ]);
});

test('a session is ended by its user or who manages that one, and by nobody else', async () => {
  const rig = await createRig();
  const cid = await rig.addUser('cid', 'admin');
  const own = await rig.sessions.begin(rig.bob, PLACE);
  const owners = await rig.sessions.begin(rig.ann, PLACE);
  const unknown = await expectCode(rig.sessions.revoke(actorOf(rig.bob), 'nothing'), 'SESSION_UNKNOWN');
  const foreign = await expectCode(rig.sessions.revoke(actorOf(rig.bob), owners.session.id), 'SESSION_UNKNOWN');
  assert.is(unknown.message.replace('nothing', owners.session.id), foreign.message);
  await expectCode(rig.sessions.revoke(actorOf(cid), owners.session.id), 'SESSION_UNKNOWN');
  assert.is(await isLive(rig, owners.secret), true);
  await rig.sessions.revoke(actorOf(cid), own.session.id);
  assert.is(await isLive(rig, own.secret), false);
  await rig.sessions.revoke(actorOf(rig.ann), owners.session.id);
  assert.is(await isLive(rig, owners.secret), false);
});

test('signing out ends one session', async () => {
  const rig = await createRig();
  const first = await rig.sessions.begin(rig.bob, PLACE);
  const second = await rig.sessions.begin(rig.bob, PLACE);
  await rig.sessions.end(first.secret);
  assert.equal([await isLive(rig, first.secret), await isLive(rig, second.secret)], [false, true]);
});

test('sessions begun on a node end with it', async () => {
  const rig = await createRig();
  const onNode = await rig.sessions.begin(rig.bob, { ...PLACE, nodeId: 'n1' });
  const elsewhere = await rig.sessions.begin(rig.bob, { ...PLACE, nodeId: 'n2' });
  assert.is(await rig.sessions.endOfNode('n1'), 1);
  assert.equal([await isLive(rig, onNode.secret), await isLive(rig, elsewhere.secret)], [false, true]);
});

test('a user has fifty sessions at most, the one unused longest goes, and what ended leaves the store', async () => {
  const rig = await createRig();
  const secrets: string[] = [];
  for (let index = 0; index < 51; index++) {
    secrets.push((await rig.sessions.begin(rig.bob, PLACE)).secret);
    rig.advance(1_000);
  }
  assert.is(await isLive(rig, secrets[0]!), false);
  assert.is(await isLive(rig, secrets[1]!), true);
  await rig.passwords.change(rig.root, rig.bob.id, 'another password');
  await rig.sessions.begin(await rig.users.get(rig.bob.id), PLACE);
  assert.is((await rig.store.list(below('sessions'))).entries.length, 1);
});

test.run();
