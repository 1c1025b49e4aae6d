import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { newCode, parseCode } from '../src/approvals/code.ts';
import { below } from '../src/store/index.ts';
import { actorOf, createAccountsRig, createSeededRandom } from '../src/testing/accounts-rig.ts';
import { expectCode } from './expect-code.ts';

const KEYS = { machineKey: 'machine', nodeKey: 'node' };
const LAPTOP = { ...KEYS, name: 'laptop', source: '192.0.2.7' };
const MINUTE_MS = 60_000;

async function createRig() {
  const rig = createAccountsRig();
  await rig.addUser('ann', 'owner');
  const bob = actorOf(await rig.addUser('bob', 'admin'));
  const cid = actorOf(await rig.addUser('cid', 'member'));
  return { ...rig, bob, cid };
}

test('a code is eight letters that nobody mistakes, and is read however it is typed', () => {
  const random = createSeededRandom(5);
  const codes = Array.from({ length: 2_000 }, () => newCode(random));
  for (const code of codes) assert.match(code, /^[B-DF-HJ-NP-TV-Z24-9]{4}-[B-DF-HJ-NP-TV-Z24-9]{4}$/);
  assert.is(new Set(codes).size, codes.length);
  assert.is(new Set(codes.join('').replaceAll('-', '')).size, 27);
  assert.is(parseCode(' bcdf ghjk\n'), 'BCDF-GHJK');
  assert.is(parseCode('BCDF-GHJK'), 'BCDF-GHJK');
  for (const typed of ['', 'BCDF-GHJ', 'BCDF-GHJKL', 'ACDF-GHJK', 'BCDF/GHJK']) assert.is(parseCode(typed), undefined);
});

test('a machine that is approved joins as a node of who typed its code, once', async () => {
  const { approvals, store, cid } = await createRig();
  const { code, expiresInMs } = await approvals.request(LAPTOP);
  assert.is(expiresInMs, 10 * MINUTE_MS);
  assert.is(await approvals.admit(code, KEYS), 'pending');
  const shown = await approvals.look(cid, code.toLowerCase());
  assert.equal([shown.name, shown.source, shown.machineKey], ['laptop', '192.0.2.7', 'machine']);
  await approvals.approve(cid, code);
  const admission = await approvals.admit(code, KEYS);
  if (admission === 'pending' || 'refusal' in admission) throw new Error(JSON.stringify(admission));
  assert.equal([admission.userId, admission.tags, admission.ephemeral], [cid.userId, [], false]);
  assert.is((await store.commit(admission)).committed, true);
  assert.is((await store.commit(admission)).committed, false);
  assert.equal(await approvals.admit(code, KEYS), { refusal: 'APPROVAL_EXPIRED' });
});

test('an approval is for the keys that asked', async () => {
  const { approvals, cid } = await createRig();
  const { code } = await approvals.request(LAPTOP);
  await approvals.approve(cid, code);
  for (const keys of [
    { ...KEYS, machineKey: 'other' },
    { ...KEYS, nodeKey: 'other' },
  ]) {
    assert.equal(await approvals.admit(code, keys), { refusal: 'APPROVAL_EXPIRED' });
  }
});

test('a machine that is denied does not join, and what is decided stays', async () => {
  const { approvals, cid, bob } = await createRig();
  const { code } = await approvals.request(LAPTOP);
  await approvals.deny(cid, code);
  assert.equal(await approvals.admit(code, KEYS), { refusal: 'APPROVAL_DENIED' });
  await expectCode(approvals.approve(bob, code), 'APPROVAL_DECIDED');
});

test('ten who decide at once: one does', async () => {
  const { approvals, cid, bob } = await createRig();
  const { code } = await approvals.request(LAPTOP);
  const acts = Array.from({ length: 5 }, () => [approvals.approve(cid, code), approvals.deny(bob, code)]).flat();
  const outcomes = await Promise.allSettled(acts);
  assert.is(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
});

test('ten minutes end a code, whether it is approved or not', async () => {
  const { approvals, store, cid, advance } = await createRig();
  const first = await approvals.request(LAPTOP);
  const second = await approvals.request(LAPTOP);
  await approvals.approve(cid, first.code);
  advance(10 * MINUTE_MS);
  assert.equal(await approvals.admit(first.code, KEYS), { refusal: 'APPROVAL_EXPIRED' });
  await expectCode(approvals.approve(cid, second.code), 'APPROVAL_EXPIRED');
  await approvals.request(LAPTOP);
  assert.is((await store.list(below('approvals'))).entries.length, 1);
});

test('guessing codes ends after five, and goes on by one a minute', async () => {
  const { approvals, cid, bob, advance } = await createRig();
  const { code } = await approvals.request(LAPTOP);
  for (const typed of ['BCDF-GHJK', 'nonsense', '', 'BCDF-GHJL', 'BCDF-GHJM']) {
    await expectCode(approvals.look(cid, typed), 'APPROVAL_UNKNOWN');
  }
  await expectCode(approvals.approve(cid, code), 'RATE_LIMITED');
  assert.is((await approvals.look(bob, code)).name, 'laptop');
  advance(MINUTE_MS);
  assert.is((await approvals.look(cid, code)).name, 'laptop');
});

test('one source waits with ten machines, all together with two hundred', async () => {
  const { approvals } = await createRig();
  for (let index = 0; index < 10; index++) await approvals.request(LAPTOP);
  await expectCode(approvals.request(LAPTOP), 'RATE_LIMITED');
  for (let index = 10; index < 200; index++) await approvals.request({ ...LAPTOP, source: `source ${index}` });
  await expectCode(approvals.request({ ...LAPTOP, source: 'another' }), 'RATE_LIMITED');
});

test('tags come from admins, and only while they are that', async () => {
  const { approvals, users, root, cid, bob } = await createRig();
  const { code } = await approvals.request(LAPTOP);
  await expectCode(approvals.approve(cid, code, { tags: ['web'] }), 'FORBIDDEN');
  await expectCode(approvals.approve(bob, code, { tags: ['No tag'] }), 'INPUT_INVALID');
  await approvals.approve(bob, code, { tags: ['web'] });
  const admission = await approvals.admit(code, KEYS);
  if (admission === 'pending' || 'refusal' in admission) throw new Error(JSON.stringify(admission));
  assert.equal([admission.userId, admission.tags], ['', ['web']]);
  await users.setRole(root, bob.userId, 'member');
  assert.equal(await approvals.admit(code, KEYS), { refusal: 'APPROVAL_DENIED' });
});

test('who is disabled after approving has let nobody in', async () => {
  const { approvals, users, root, store, cid } = await createRig();
  const { code } = await approvals.request(LAPTOP);
  await approvals.approve(cid, code);
  const admission = await approvals.admit(code, KEYS);
  if (admission === 'pending' || 'refusal' in admission) throw new Error(JSON.stringify(admission));
  await users.setDisabled(root, cid.userId, true);
  assert.equal(await approvals.admit(code, KEYS), { refusal: 'USER_DISABLED' });
  assert.is((await store.commit(admission)).committed, false);
  const other = await approvals.request(LAPTOP);
  await expectCode(approvals.approve(cid, other.code), 'USER_DISABLED');
});

test('a wait ends with the decision, the expiry, the going away or the signal', async () => {
  const endings: Readonly<
    Record<string, (rig: Awaited<ReturnType<typeof createRig>>, code: string, stop: AbortController) => unknown>
  > = {
    approval: ({ approvals, cid }, code) => approvals.approve(cid, code),
    denial: ({ approvals, cid }, code) => approvals.deny(cid, code),
    expiry: ({ advance }) => advance(10 * MINUTE_MS),
    cancel: ({ approvals }, code) => approvals.cancel(code),
    signal: (_rig, _code, stop) => stop.abort(),
  };
  for (const [name, end] of Object.entries(endings)) {
    const rig = await createRig();
    const { code } = await rig.approvals.request(LAPTOP);
    const stop = new AbortController();
    let isOver = false;
    const wait = rig.approvals.wait(code, stop.signal).then(() => {
      isOver = true;
    });
    await rig.approvals.request(LAPTOP);
    for (let tick = 0; tick < 50; tick++) await Promise.resolve();
    assert.is(isOver, false, name);
    await end(rig, code, stop);
    await wait;
    await rig.approvals.wait(code, AbortSignal.abort());
  }
});

test.run();
