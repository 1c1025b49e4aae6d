import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { hasOwner } from '../src/accounts/index.ts';
import type { CoordinatorErrorCode } from '../src/errors.ts';
import type { Role } from '../src/operations/operation.ts';
import { createMemoryStore } from '../src/store/index.ts';
import { type AccountsRig, actorOf, createAccountsRig, PASSWORD } from '../src/testing/accounts-rig.ts';
import { createHeldStore } from '../src/testing/held-store.ts';
import { expectCode } from './expect-code.ts';

const ROLES: readonly Role[] = ['member', 'admin', 'owner'];

/** Who may act on whom, and make whom: rows act. */
const MAY: Readonly<Record<Role, readonly Role[]>> = { member: [], admin: ['member', 'admin'], owner: ROLES };

/** Runs an act on a fresh rig with two spare owners. @returns the code it is refused with */
async function attempt(act: (rig: AccountsRig) => Promise<unknown>): Promise<CoordinatorErrorCode | 'done'> {
  const rig = createAccountsRig();
  await rig.addUser('spare-1', 'owner');
  await rig.addUser('spare-2', 'owner');
  return act(rig).then(
    () => 'done' as const,
    (error) => error.code,
  );
}

for (const actor of ROLES) {
  for (const subject of ROLES) {
    const expected = MAY[actor].includes(subject) ? 'done' : 'FORBIDDEN';
    const acts: Readonly<
      Record<string, (rig: AccountsRig, as: ReturnType<typeof actorOf>, id: string) => Promise<unknown>>
    > = {
      disable: (rig, as, id) => rig.users.setDisabled(as, id, true),
      remove: (rig, as, id) => rig.users.remove(as, id),
      'make a member of': (rig, as, id) => rig.users.setRole(as, id, 'member'),
      'set the password of': (rig, as, id) => rig.passwords.change(as, id, 'quite another password'),
      'see the sessions of': (rig, as, id) => rig.sessions.list(as, id),
    };
    for (const [name, act] of Object.entries(acts)) {
      test(`${expected === 'done' ? '' : 'no '}${actor} may ${name} another ${subject}`, async () => {
        const outcome = await attempt(async (rig) => {
          const as = actorOf(await rig.addUser('actor', actor));
          await act(rig, as, (await rig.addUser('subject', subject)).id);
        });
        assert.is(outcome, expected);
      });
    }

    test(`${expected === 'done' ? '' : 'no '}${actor} may make a new ${subject}, promote to one, or invite one`, async () => {
      const role = subject;
      for (const act of [
        (rig: AccountsRig, as: ReturnType<typeof actorOf>) =>
          rig.users.create(as, { name: 'new', role, password: PASSWORD }),
        async (rig: AccountsRig, as: ReturnType<typeof actorOf>) =>
          rig.users.setRole(as, (await rig.addUser('low', 'member')).id, role),
        (rig: AccountsRig, as: ReturnType<typeof actorOf>) => rig.invitations.create(as, { role }),
      ]) {
        assert.is(await attempt(async (rig) => act(rig, actorOf(await rig.addUser('actor', actor)))), expected);
      }
    });
  }

  test(`a session that says ${actor} of somebody who is one no more has the role of now`, async () => {
    const outcome = await attempt(async (rig) => {
      const before = await rig.addUser('actor', actor);
      await rig.users.setRole(rig.root, before.id, 'member');
      await rig.users.create(actorOf(before), { name: 'new', role: 'member', password: PASSWORD });
    });
    assert.is(outcome, 'FORBIDDEN');
  });
}

test('the last owner can be neither demoted nor disabled nor removed, by anybody', async () => {
  const rig = createAccountsRig();
  const { id, ...owner } = await rig.addUser('ann', 'owner');
  await rig.addUser('bob', 'admin');
  for (const actor of [rig.root, actorOf({ id, ...owner })]) {
    await expectCode(rig.users.setRole(actor, id, 'admin'), 'LAST_OWNER');
    await expectCode(rig.users.setDisabled(actor, id, true), 'LAST_OWNER');
    await expectCode(rig.users.remove(actor, id), 'LAST_OWNER');
  }
  assert.equal(await rig.users.get(id), { id, ...owner });
});

test('an owner who is disabled does not count as another', async () => {
  const rig = createAccountsRig();
  const ann = await rig.addUser('ann', 'owner');
  const bob = await rig.addUser('bob', 'owner');
  await rig.users.setDisabled(rig.root, bob.id, true);
  await expectCode(rig.users.remove(rig.root, ann.id), 'LAST_OWNER');
  await rig.users.setDisabled(rig.root, bob.id, false);
  await rig.users.remove(rig.root, ann.id);
  await expectCode(rig.users.remove(rig.root, bob.id), 'LAST_OWNER');
});

test('two owners who demote each other at once: one stays', async () => {
  const rig = createAccountsRig();
  const ann = await rig.addUser('ann', 'owner');
  const bob = await rig.addUser('bob', 'owner');
  const outcomes = await Promise.allSettled([
    rig.users.setRole(actorOf(ann), bob.id, 'member'),
    rig.users.setRole(actorOf(bob), ann.id, 'member'),
  ]);
  assert.equal(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  const owners = (await rig.users.list()).filter(({ role }) => role === 'owner');
  assert.is(owners.length, 1);
});

test('ten owners whom root demotes, disables and removes all at once: one stays', async () => {
  const rig = createAccountsRig();
  const all = await Promise.all(Array.from({ length: 10 }, (_, index) => rig.addUser(`owner-${index}`, 'owner')));
  const acts = [
    (id: string) => rig.users.setRole(rig.root, id, 'admin'),
    (id: string) => rig.users.setDisabled(rig.root, id, true),
    (id: string) => rig.users.remove(rig.root, id),
  ];
  const outcomes = await Promise.allSettled(all.map(({ id }, index) => acts[index % 3]!(id)));
  assert.is(outcomes.filter(({ status }) => status === 'rejected').length, 1);
  const owners = (await rig.users.list()).filter(({ role, disabled }) => role === 'owner' && !disabled);
  assert.is(owners.length, 1);
  assert.ok(await hasOwner(rig.store));
});

test('an admin who is demoted while promoting somebody does not get both through', async () => {
  for (let round = 0; round < 20; round++) {
    const rig = createAccountsRig();
    await rig.addUser('ann', 'owner');
    const admin = await rig.addUser('bob', 'admin');
    const low = await rig.addUser('cid', 'member');
    const demotion = Promise.resolve().then(() => rig.users.setRole(rig.root, admin.id, 'member'));
    for (let tick = 0; tick < round; tick++) await Promise.resolve();
    const promotion = rig.users.setRole(actorOf(admin), low.id, 'admin').then(
      () => true,
      () => false,
    );
    await demotion;
    const { entries } = await rig.store.list(new Uint8Array());
    const revisionOf = (id: string): number =>
      entries.find(({ key }) => Buffer.from(key).toString() === `users/${id}`)!.revision;
    if (await promotion) assert.ok(revisionOf(low.id) < revisionOf(admin.id), `round ${round}`);
    else assert.is((await rig.users.get(low.id)).role, 'member', `round ${round}`);
  }
});

test('two changes of one user at once are both there', async () => {
  const store = createHeldStore(createMemoryStore());
  const rig = createAccountsRig({}, store);
  const { id } = await rig.addUser('ann', 'member');
  store.hold();
  const changes = [rig.users.setRole(rig.root, id, 'admin'), rig.users.setDisabled(rig.root, id, true)];
  await store.releaseAt(2);
  await Promise.all(changes);
  const { role, disabled } = await rig.users.get(id);
  assert.equal({ role, disabled }, { role: 'admin', disabled: true });
});

test('a name is of one user, whatever its letters', async () => {
  const rig = createAccountsRig();
  const ann = await rig.addUser(' Ann', 'member');
  assert.is(ann.name, 'ann');
  await expectCode(rig.addUser('ANN', 'member'), 'NAME_TAKEN');
  assert.equal(await rig.users.find('aNN'), ann);
  const all = await Promise.allSettled(Array.from({ length: 20 }, () => rig.addUser('bob', 'member')));
  assert.is(all.filter(({ status }) => status === 'fulfilled').length, 1);
});

test('a name that cannot be one is refused with what it may be', async () => {
  const rig = createAccountsRig();
  for (const name of ['', '-ann', 'a/b', 'ann bob', 'ünn', '../x', 'x'.repeat(33)]) {
    const { message } = await expectCode(rig.addUser(name, 'member'), 'NAME_INVALID');
    assert.match(message, 'expected 1 to 32 of a-z');
  }
  assert.equal(await rig.users.list(), []);
});

test('a user who is removed frees the name and leaves nobody else changed', async () => {
  const rig = createAccountsRig();
  const ann = await rig.addUser('ann', 'owner');
  const bob = await rig.addUser('bob', 'member');
  await rig.users.remove(rig.root, bob.id);
  await expectCode(rig.users.get(bob.id), 'USER_UNKNOWN');
  assert.is(await rig.users.find('bob'), undefined);
  assert.equal(await rig.users.list(), [ann]);
  assert.is.not((await rig.addUser('bob', 'member')).id, bob.id);
  await expectCode(rig.users.setRole(actorOf(bob), ann.id, 'member'), 'UNAUTHENTICATED');
});

test('every change is in the audit log with who made it, the newest first', async () => {
  const rig = createAccountsRig();
  const ann = await rig.addUser('ann', 'owner');
  const bob = await rig.addUser('bob', 'member');
  await rig.addDevice('n1', ann.id);
  rig.advance(1_000);
  await rig.users.setRole(actorOf(ann, 'n1'), bob.id, 'admin');
  await expectCode(rig.users.setRole(actorOf(bob), ann.id, 'member'), 'FORBIDDEN');
  const [newest, second] = await rig.audit.list(2);
  assert.is(newest!.actor, `user:${ann.id} node:n1`);
  assert.is(newest!.action, 'users.role');
  assert.is(newest!.subject, `user:${bob.id}`);
  assert.equal(newest!.detail, { name: 'bob', role: 'admin' });
  assert.is(second!.actor, 'root');
  assert.is(newest!.atMs - second!.atMs, 1_000);
});

test.run();
