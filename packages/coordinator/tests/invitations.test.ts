import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { below, createMemoryStore, type Store } from '../src/store/index.ts';
import { actorOf, createAccountsRig, PASSWORD } from '../src/testing/accounts-rig.ts';
import { createHeldStore } from '../src/testing/held-store.ts';
import { expectCode } from './expect-code.ts';

const DAY_MS = 86_400_000;
const NEW = { name: 'new', password: PASSWORD };

async function createRig(store: Store = createMemoryStore()) {
  const rig = createAccountsRig({}, store);
  const ann = actorOf(await rig.addUser('ann', 'owner'));
  const bob = actorOf(await rig.addUser('bob', 'admin'));
  const cid = actorOf(await rig.addUser('cid', 'member'));
  return { ...rig, ann, bob, cid };
}

test('who is invited makes an account of the role that was promised', async () => {
  const { invitations, passwords, bob } = await createRig();
  const { secret, invitation } = await invitations.create(bob, { role: 'admin' });
  assert.is((await invitations.look(secret)).role, 'admin');
  const user = await invitations.register(secret, NEW);
  assert.equal([user.name, user.role, user.disabled], ['new', 'admin', false]);
  assert.is((await passwords.check('new', PASSWORD, '192.0.2.1')).id, user.id);
  assert.is(invitation.invitedBy, bob.userId);
});

test('twenty who register at once with one invitation: one does', async () => {
  const store = createHeldStore(createMemoryStore());
  const { invitations, users, bob } = await createRig(store);
  const { secret } = await invitations.create(bob, { role: 'member' });
  store.hold();
  const all = Array.from({ length: 20 }, (_, index) =>
    invitations.register(secret, { name: `new-${index}`, password: PASSWORD }),
  );
  await store.releaseAt(20);
  const outcomes = await Promise.allSettled(all);
  assert.is(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
  const codes = new Set(outcomes.flatMap((each) => (each.status === 'rejected' ? [each.reason.code] : [])));
  assert.equal([...codes], ['INVITATION_USED']);
  assert.is((await users.list()).length, 4);
});

test('an invitation is not used up by a name that is taken or a weak password', async () => {
  const { invitations, bob } = await createRig();
  const { secret } = await invitations.create(bob, { role: 'member' });
  await expectCode(invitations.register(secret, { name: 'bob', password: PASSWORD }), 'NAME_TAKEN');
  await expectCode(invitations.register(secret, { name: 'new', password: 'short' }), 'PASSWORD_WEAK');
  await invitations.register(secret, NEW);
  await expectCode(invitations.register(secret, { name: 'newer', password: PASSWORD }), 'INVITATION_USED');
});

test('an invitation that is unknown, altered, expired or taken back makes no account', async () => {
  const { invitations, users, bob, advance } = await createRig();
  await expectCode(invitations.register('', NEW), 'INVITATION_UNKNOWN');
  const taken = await invitations.create(bob, { role: 'member' });
  await expectCode(invitations.register(taken.secret.slice(1), NEW), 'INVITATION_UNKNOWN');
  await expectCode(invitations.register(taken.invitation.id, NEW), 'INVITATION_UNKNOWN');
  await invitations.revoke(bob, taken.invitation.id);
  await expectCode(invitations.register(taken.secret, NEW), 'INVITATION_UNKNOWN');
  const late = await invitations.create(bob, { role: 'member', expiresInMs: DAY_MS });
  advance(DAY_MS);
  await expectCode(invitations.look(late.secret), 'INVITATION_EXPIRED');
  await expectCode(invitations.register(late.secret, NEW), 'INVITATION_EXPIRED');
  assert.is((await users.list()).length, 3);
});

test('an invitation holds no longer than the right of who gave it', async () => {
  const endings = ['demoted', 'disabled', 'removed'] as const;
  for (const ending of endings) {
    const { invitations, users, root, bob } = await createRig();
    const { secret } = await invitations.create(bob, { role: 'member' });
    if (ending === 'demoted') await users.setRole(root, bob.userId, 'member');
    else if (ending === 'disabled') await users.setDisabled(root, bob.userId, true);
    else await users.remove(root, bob.userId);
    await expectCode(invitations.register(secret, NEW), 'INVITATION_UNKNOWN');
  }
});

test('an owner who became an admin has invited no owner', async () => {
  const { invitations, users, root, addUser } = await createRig();
  const dan = await addUser('dan', 'owner');
  const { secret } = await invitations.create(actorOf(dan), { role: 'owner' });
  await users.setRole(root, dan.id, 'admin');
  await expectCode(invitations.register(secret, NEW), 'INVITATION_UNKNOWN');
});

test('invitations are seen and taken back by who gave them and who manages that one', async () => {
  const { invitations, ann, bob, cid } = await createRig();
  const admins = await invitations.create(bob, { role: 'member' });
  const owners = await invitations.create(ann, { role: 'member' });
  const idsFor = async (actor: typeof ann): Promise<string[]> =>
    (await invitations.list(actor)).map(({ id }) => id).sort();
  assert.equal(await idsFor(ann), [admins.invitation.id, owners.invitation.id].sort());
  assert.equal(await idsFor(bob), [admins.invitation.id]);
  assert.equal(await idsFor(cid), []);
  await expectCode(invitations.revoke(bob, owners.invitation.id), 'INVITATION_UNKNOWN');
  await expectCode(invitations.revoke(cid, admins.invitation.id), 'INVITATION_UNKNOWN');
  await invitations.revoke(ann, admins.invitation.id);
  assert.equal(await idsFor(bob), []);
});

test('invitations made on a node end with it', async () => {
  const { invitations, users, bob, addDevice } = await createRig();
  await addDevice('n1', bob.userId);
  const onNode = actorOf(await users.get(bob.userId), 'n1');
  const { secret } = await invitations.create(onNode, { role: 'member' });
  const other = await invitations.create(bob, { role: 'member' });
  assert.is(await invitations.endOfNode('n1'), 1);
  await expectCode(invitations.register(secret, NEW), 'INVITATION_UNKNOWN');
  await invitations.register(other.secret, NEW);
});

test('nobody registers without an invitation unless registration is open, and then as a member', async () => {
  const closed = createAccountsRig();
  await expectCode(closed.invitations.register(undefined, NEW), 'REGISTRATION_CLOSED');
  const open = createAccountsRig({ openRegistration: true });
  assert.is((await open.invitations.register(undefined, NEW)).role, 'member');
});

test('an expiry of nothing, of the past or of a century is refused, and expired ones leave the store', async () => {
  const { invitations, store, bob, advance } = await createRig();
  for (const expiresInMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 36_500 * DAY_MS]) {
    await expectCode(invitations.create(bob, { role: 'member', expiresInMs }), 'INPUT_INVALID');
  }
  await invitations.create(bob, { role: 'member' });
  advance(8 * DAY_MS);
  await invitations.create(bob, { role: 'member' });
  assert.is((await store.list(below('invitations'))).entries.length, 1);
});

test.run();
