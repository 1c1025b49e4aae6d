import { randomFillSync } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createAccounts, hasOwner } from '../src/accounts/index.ts';
import { createAudit } from '../src/audit.ts';
import { createMemoryStore } from '../src/store/index.ts';
import { createAccountsRig, PASSWORD, WALL_MS } from '../src/testing/accounts-rig.ts';
import { createHeldStore } from '../src/testing/held-store.ts';
import { expectCode } from './expect-code.ts';

const ANN = { name: 'ann', password: PASSWORD };

test('a new coordinator has no user, no password and no link that was not asked for', async () => {
  const { users, store, ownerLink, passwords } = createAccountsRig();
  assert.equal((await store.list(new Uint8Array())).entries, []);
  assert.equal(await users.list(), []);
  await expectCode(ownerLink.redeem('', ANN), 'INVITATION_UNKNOWN');
  for (const name of ['admin', 'root', 'owner', 'pcloud']) {
    for (const password of ['', name, 'password', 'changeme']) {
      await expectCode(passwords.check(name, password, `${name} ${password}`), 'CREDENTIALS_WRONG');
    }
  }
});

test('the links of a hundred new coordinators are all different', async () => {
  const links = new Set<string>();
  for (let index = 0; index < 100; index++) {
    const deps = {
      store: createMemoryStore(),
      now: () => WALL_MS,
      random: (out: Uint8Array) => void randomFillSync(out),
    };
    const { ownerLink } = createAccounts({}, { ...deps, audit: createAudit(deps) });
    links.add(await ownerLink.issue());
  }
  assert.is(links.size, 100);
  for (const link of links) assert.match(link, /^[a-z2-7]{32}$/);
});

test('the link makes the first owner, once', async () => {
  const { ownerLink, users, store, audit } = createAccountsRig();
  const secret = await ownerLink.issue();
  await ownerLink.look(secret);
  assert.is((await ownerLink.redeem(secret, ANN)).role, 'owner');
  await expectCode(ownerLink.redeem(secret, { ...ANN, name: 'bob' }), 'OWNER_EXISTS');
  await expectCode(ownerLink.look(secret), 'OWNER_EXISTS');
  await expectCode(ownerLink.issue(), 'OWNER_EXISTS');
  assert.is((await users.list()).length, 1);
  assert.ok(await hasOwner(store));
  assert.is((await audit.list(1))[0]!.action, 'users.first-owner');
});

test('twenty who use the link at once: one is the owner', async () => {
  const store = createHeldStore(createMemoryStore());
  const { ownerLink, users } = createAccountsRig({}, store);
  const secret = await ownerLink.issue();
  store.hold();
  const all = Array.from({ length: 20 }, (_, index) => ownerLink.redeem(secret, { ...ANN, name: `ann-${index}` }));
  await store.releaseAt(20);
  const outcomes = await Promise.allSettled(all);
  assert.is(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
  assert.is((await users.list()).length, 1);
});

test('a link and an owner whom root makes at the same moment: one owner, or none by the link', async () => {
  const store = createHeldStore(createMemoryStore());
  const { ownerLink, users, root } = createAccountsRig({}, store);
  const secret = await ownerLink.issue();
  store.hold();
  const byLink = ownerLink.redeem(secret, ANN).then(
    () => true,
    () => false,
  );
  const byRoot = users.create(root, { name: 'bob', role: 'owner', password: PASSWORD });
  await store.releaseAt(2);
  await byRoot;
  const owners = (await users.list()).map(({ name }) => name);
  assert.is(await byLink, owners.includes('ann'));
  await expectCode(ownerLink.redeem(secret, { ...ANN, name: 'cid' }), 'OWNER_EXISTS');
});

test('issuing the link again voids the one before, and it ends after a week', async () => {
  const { ownerLink, advance } = createAccountsRig();
  const first = await ownerLink.issue();
  const second = await ownerLink.issue();
  await expectCode(ownerLink.redeem(first, ANN), 'INVITATION_UNKNOWN');
  advance(7 * 86_400_000);
  await expectCode(ownerLink.redeem(second, ANN), 'INVITATION_EXPIRED');
  await ownerLink.redeem(await ownerLink.issue(), ANN);
});

test('a link is not used up by a name that cannot be or a weak password', async () => {
  const { ownerLink } = createAccountsRig();
  const secret = await ownerLink.issue();
  await expectCode(ownerLink.redeem(secret, { ...ANN, name: 'not a name' }), 'NAME_INVALID');
  await expectCode(ownerLink.redeem(secret, { ...ANN, password: 'short' }), 'PASSWORD_WEAK');
  await ownerLink.redeem(secret, ANN);
});

test.run();
