import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decideAndCommit } from '../src/store/decide.ts';
import { below, createMemoryStore, encodeRecord, textKey } from '../src/store/index.ts';
import { type AccountsRig, actorOf, createAccountsRig } from '../src/testing/accounts-rig.ts';
import { createHeldStore } from '../src/testing/held-store.ts';
import { expectCode } from './expect-code.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

async function createRig() {
  const rig = createAccountsRig();
  const ann = actorOf(await rig.addUser('ann', 'owner'));
  const bob = actorOf(await rig.addUser('bob', 'admin'));
  const cid = actorOf(await rig.addUser('cid', 'member'));
  return { ...rig, ann, bob, cid };
}

/** A machine joins: the token and its own record are one commit. @returns whose it is, or the refusal */
async function join({ store, tokens }: AccountsRig, secret: string, machine: string): Promise<string> {
  class Refused extends Error {}
  try {
    const { owner } = await decideAndCommit(store, async () => {
      const admission = await tokens.redeem(secret);
      if ('refusal' in admission) throw new Refused(admission.refusal);
      const key = textKey('machines', machine);
      const owner = admission.userId || admission.tags.map((tag) => `tag:${tag}`).join(' ');
      return {
        owner,
        compare: [{ key, revision: 0 }, ...admission.compare],
        put: [{ key, value: encodeRecord({ owner }) }, ...admission.put],
      };
    });
    return owner;
  } catch (error) {
    if (error instanceof Refused) return error.message;
    throw error;
  }
}

test('fifty machines with one token at once: one joins', async () => {
  const rig = await createRig();
  const { secret } = await rig.tokens.create(rig.cid, {});
  const outcomes = await Promise.all(Array.from({ length: 50 }, (_, index) => join(rig, secret, `m${index}`)));
  assert.is(outcomes.filter((outcome) => outcome === rig.cid.userId).length, 1);
  assert.is(outcomes.filter((outcome) => outcome === 'TOKEN_USED').length, 49);
  assert.is((await rig.store.list(below('machines'))).entries.length, 1);
});

test('a token is burned by success only', async () => {
  const rig = await createRig();
  const { secret } = await rig.tokens.create(rig.cid, {});
  await rig.store.commit({ compare: [], put: [{ key: textKey('machines', 'm1'), value: encodeRecord({}) }] });
  await expectCode(join(rig, secret, 'm1'), 'CONFLICT');
  assert.is(await join(rig, secret, 'm2'), rig.cid.userId);
  assert.is(await join(rig, secret, 'm3'), 'TOKEN_USED');
});

test('a reusable token lets fifty in at once', async () => {
  const rig = await createRig();
  const { secret } = await rig.tokens.create(rig.cid, { reusable: true });
  const outcomes = await Promise.all(Array.from({ length: 50 }, (_, index) => join(rig, secret, `m${index}`)));
  assert.equal([...new Set(outcomes)], [rig.cid.userId]);
});

test('a token that is unknown, altered, revoked or expired lets nobody in', async () => {
  const rig = await createRig();
  const { secret, token } = await rig.tokens.create(rig.cid, {});
  for (const other of ['', token.id, secret.slice(1), secret.toUpperCase(), `${secret}\0`]) {
    assert.is(await join(rig, other, 'm'), 'TOKEN_UNKNOWN');
  }
  await rig.tokens.revoke(rig.cid, token.id);
  assert.is(await join(rig, secret, 'm'), 'TOKEN_UNKNOWN');
  const late = await rig.tokens.create(rig.cid, {});
  rig.advance(HOUR_MS - 1);
  assert.not('refusal' in (await rig.tokens.redeem(late.secret)));
  rig.advance(1);
  assert.is(await join(rig, late.secret, 'm'), 'TOKEN_EXPIRED');
  assert.equal((await rig.store.list(below('machines'))).entries, []);
});

test('a token that is revoked between its check and the commit lets nobody in', async () => {
  const rig = await createRig();
  for (const reusable of [false, true]) {
    const { secret, token } = await rig.tokens.create(rig.cid, { reusable });
    const admission = await rig.tokens.redeem(secret);
    if ('refusal' in admission) throw new Error(admission.refusal);
    await rig.tokens.revoke(rig.cid, token.id);
    assert.is((await rig.store.commit(admission)).committed, false);
  }
});

test('a token holds no longer than its user, who gave it, and the right to give it', async () => {
  const cases: [string, string, (rig: Awaited<ReturnType<typeof createRig>>) => Promise<unknown>][] = [
    ['its user disabled', 'USER_DISABLED', ({ users, root, cid }) => users.setDisabled(root, cid.userId, true)],
    ['its user removed', 'TOKEN_UNKNOWN', ({ users, root, cid }) => users.remove(root, cid.userId)],
    ['its giver disabled', 'USER_DISABLED', ({ users, root, bob }) => users.setDisabled(root, bob.userId, true)],
    ['its giver demoted', 'TOKEN_UNKNOWN', ({ users, root, bob }) => users.setRole(root, bob.userId, 'member')],
    ['its user made an owner', 'TOKEN_UNKNOWN', ({ users, root, cid }) => users.setRole(root, cid.userId, 'owner')],
  ];
  for (const [name, refusal, act] of cases) {
    const rig = await createRig();
    const { secret } = await rig.tokens.create(rig.bob, { userId: rig.cid.userId });
    const before = await rig.tokens.redeem(secret);
    if ('refusal' in before) throw new Error(before.refusal);
    await act(rig);
    assert.is(await join(rig, secret, 'm'), refusal, name);
    assert.is((await rig.store.commit(before)).committed, false, name);
  }
});

test('members invite devices of their own only, admins for no owner, and tags come from admins', async () => {
  const { tokens, root, ann, bob, cid } = await createRig();
  await expectCode(tokens.create(cid, { userId: bob.userId }), 'FORBIDDEN');
  await expectCode(tokens.create(cid, { userId: 'nobody' }), 'FORBIDDEN');
  await expectCode(tokens.create(bob, { userId: ann.userId }), 'FORBIDDEN');
  await expectCode(tokens.create(cid, { tags: ['server'] }), 'FORBIDDEN');
  await expectCode(tokens.create(bob, { userId: 'nobody' }), 'USER_UNKNOWN');
  await expectCode(tokens.create(bob, { userId: cid.userId, tags: ['server'] }), 'INPUT_INVALID');
  assert.is((await tokens.create(bob, { userId: cid.userId })).token.userId, cid.userId);
  assert.is((await tokens.create(root, { userId: ann.userId })).token.userId, ann.userId);
  assert.is((await tokens.create(cid, { userId: cid.userId })).token.userId, cid.userId);
});

test('a node of tags has no user', async () => {
  const rig = await createRig();
  const { secret, token } = await rig.tokens.create(rig.bob, { tags: ['tag:web', 'db', 'web'], ephemeral: true });
  assert.equal([token.userId, token.tags], ['', ['db', 'web']]);
  const admission = await rig.tokens.redeem(secret);
  assert.ok(!('refusal' in admission) && admission.ephemeral);
  assert.is(await join(rig, secret, 'm'), 'tag:db tag:web');
});

test('root invites before there is any user', async () => {
  const rig = createAccountsRig();
  const { secret } = await rig.tokens.create(rig.root, {});
  assert.is(await join(rig, secret, 'm'), '');
});

test('tokens are seen and revoked by their user, who gave them, and who manages those', async () => {
  const { tokens, root, ann, bob, cid } = await createRig();
  const owners = await tokens.create(ann, {});
  const given = await tokens.create(bob, { userId: cid.userId });
  const roots = await tokens.create(root, {});
  const idsFor = async (actor: typeof root): Promise<string[]> => (await tokens.list(actor)).map(({ id }) => id).sort();
  const ids = (...each: (typeof owners)[]): string[] => each.map(({ token }) => token.id).sort();
  assert.equal(await idsFor(root), ids(owners, given, roots));
  assert.equal(await idsFor(ann), ids(owners, given, roots));
  assert.equal(await idsFor(bob), ids(given));
  assert.equal(await idsFor(cid), ids(given));
  for (const actor of [bob, cid]) {
    for (const { token } of [owners, roots]) await expectCode(tokens.revoke(actor, token.id), 'TOKEN_UNKNOWN');
  }
  await tokens.revoke(cid, given.token.id);
  assert.equal(await idsFor(bob), []);
});

test('tokens that are used or expired are listed no more, and leave the store a week later', async () => {
  const rig = await createRig();
  await rig.tokens.create(rig.cid, {});
  const used = await rig.tokens.create(rig.cid, { expiresInMs: 2 * HOUR_MS });
  await join(rig, used.secret, 'm');
  rig.advance(HOUR_MS);
  assert.equal(await rig.tokens.list(rig.cid), []);
  rig.advance(6 * DAY_MS);
  assert.is(await join(rig, used.secret, 'm2'), 'TOKEN_USED');
  rig.advance(DAY_MS);
  await rig.tokens.create(rig.cid, {});
  assert.is((await rig.store.list(below('tokens'))).entries.length, 1);
});

test('tokens made on a node end with it', async () => {
  const rig = await createRig();
  await rig.addDevice('n1', rig.cid.userId);
  const onNode = await rig.tokens.create({ ...rig.cid, via: 'node', nodeId: 'n1' }, { reusable: true });
  const other = await rig.tokens.create(rig.cid, {});
  assert.is(await rig.tokens.endOfNode('n1'), 1);
  assert.is(await join(rig, onNode.secret, 'm1'), 'TOKEN_UNKNOWN');
  assert.is(await join(rig, other.secret, 'm1'), rig.cid.userId);
});

test('class 3: what a token may give is what its giver may give still when it is redeemed', async () => {
  for (const [wish, least] of [
    [{ isServer: true }, 'owner'],
    [{ index: 7 }, 'admin'],
    [{ tags: ['ci'] }, 'admin'],
    [{}, 'member'],
  ] as const) {
    for (const role of ['owner', 'admin', 'member'] as const) {
      const rig = await createRig();
      const giver = await rig.addUser('eve', 'owner');
      const { secret } = await rig.tokens.create(actorOf(giver), wish);
      await rig.users.setRole(rig.root, giver.id, role);
      const isGood = ['member', 'admin', 'owner'].indexOf(role) >= ['member', 'admin', 'owner'].indexOf(least);
      const redeemed = await rig.tokens.redeem(secret);
      assert.is('refusal' in redeemed, !isGood, `${JSON.stringify(wish)} of one who is ${role} now`);
    }
  }
});

test('class 17: a device that is taken out while it asks for a link gets none', async () => {
  const store = createHeldStore(createMemoryStore());
  const rig = createAccountsRig({}, store);
  const ann = await rig.addUser('ann', 'member');
  const remove = await rig.addDevice('n1', ann.id);
  const held = store.holdNext();
  const asked = rig.tokens.create(actorOf(ann, 'n1'), { reusable: true });
  const release = await held;
  await remove();
  release();
  await expectCode(asked, 'UNAUTHENTICATED');
  assert.equal(await rig.tokens.list(rig.root), []);
});

test('an expiry and tags that cannot be are refused', async () => {
  const { tokens, bob } = await createRig();
  for (const expiresInMs of [0, -1, Number.NaN, 91 * DAY_MS]) {
    await expectCode(tokens.create(bob, { expiresInMs }), 'INPUT_INVALID');
  }
  for (const tag of ['', 'tag:', 'A', '1a', 'a b', 'a/b', 'x'.repeat(33)]) {
    await expectCode(tokens.create(bob, { tags: [tag] }), 'INPUT_INVALID');
  }
  await expectCode(
    tokens.create(bob, { tags: Array.from({ length: 17 }, (_, index) => `t${index}`) }),
    'INPUT_INVALID',
  );
  assert.equal(await tokens.list(bob), []);
});

test.run();
