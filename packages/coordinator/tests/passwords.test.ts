import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createPasswordHasher, passwordRecord, SCRYPT_COST } from '../src/accounts/password-hash.ts';
import { userPaths } from '../src/accounts/user-record.ts';
import { readRecord } from '../src/store/index.ts';
import { actorOf, createAccountsRig, createSeededRandom, PASSWORD } from '../src/testing/accounts-rig.ts';
import { addNode } from '../src/testing/add-node.ts';
import { expectCode } from './expect-code.ts';

const CHEAP = { n: 16, r: 1, p: 1 };

test('a password is known by its hash, which holds its parameters and a salt of its own', async () => {
  const hasher = createPasswordHasher(createSeededRandom(3));
  const record = await hasher.hash(PASSWORD);
  const { algorithm, n, r, p } = record;
  assert.equal({ algorithm, n, r, p }, { algorithm: 'scrypt', n: 32_768, r: 8, p: 1 });
  assert.is(await hasher.verify(PASSWORD, record), true);
  assert.is(await hasher.verify(`${PASSWORD}.`, record), false);
  const again = await hasher.hash(PASSWORD);
  assert.is.not(again.salt, record.salt);
  assert.is.not(again.hash, record.hash);
});

test('RFC 7914: a record with the parameters and salt of its vector fits its password', async () => {
  const hasher = createPasswordHasher(createSeededRandom(3), CHEAP);
  // Section 12, N = 1024, r = 8, p = 16: the first 32 bytes of the output.
  const hash = Buffer.from('fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162', 'hex').toString(
    'base64',
  );
  const record = {
    algorithm: 'scrypt' as const,
    n: 1024,
    r: 8,
    p: 16,
    salt: Buffer.from('NaCl').toString('base64'),
    hash,
  };
  assert.is(await hasher.verify('password', record), true);
  assert.is(await hasher.verify('passwort', record), false);
});

test('no record takes the time of one, and fits nothing', async () => {
  const hasher = createPasswordHasher(createSeededRandom(3));
  const record = await hasher.hash(PASSWORD);
  const fastest = async (against: typeof record | undefined): Promise<number> => {
    const times: number[] = [];
    for (let round = 0; round < 3; round++) {
      const start = performance.now();
      assert.is(await hasher.verify('some other password', against), false);
      times.push(performance.now() - start);
    }
    return Math.min(...times);
  };
  const ratio = (await fastest(undefined)) / (await fastest(record));
  assert.ok(ratio > 0.5 && ratio < 2, `ratio ${ratio}`);
  assert.is(SCRYPT_COST.n, 2 ** 15);
});

test('an unknown name and a wrong password are one answer', async () => {
  const rig = createAccountsRig();
  await rig.addUser('ann', 'owner');
  const unknown = await expectCode(rig.passwords.check('bob', PASSWORD, '192.0.2.1'), 'CREDENTIALS_WRONG');
  const wrong = await expectCode(rig.passwords.check('ann', 'wrong', '192.0.2.1'), 'CREDENTIALS_WRONG');
  const none = await expectCode(rig.passwords.check('', '', '192.0.2.1'), 'CREDENTIALS_WRONG');
  assert.equal([unknown.message, none.message], [wrong.message, wrong.message]);
  assert.is((await rig.passwords.check('Ann', PASSWORD, '192.0.2.1')).name, 'ann');
});

test('an unknown name takes the time of a wrong password', async () => {
  const rig = createAccountsRig({ scryptCost: SCRYPT_COST });
  await rig.addUser('ann', 'owner');
  const fastest = async (name: string): Promise<number> => {
    const times: number[] = [];
    for (let round = 0; round < 3; round++) {
      const start = performance.now();
      await expectCode(rig.passwords.check(name, 'some other password', '192.0.2.1'), 'CREDENTIALS_WRONG');
      times.push(performance.now() - start);
    }
    return Math.min(...times);
  };
  const ratio = (await fastest('bob')) / (await fastest('ann'));
  assert.ok(ratio > 0.5 && ratio < 2, `ratio ${ratio}`);
});

test('that an account is disabled is told to who knows its password alone', async () => {
  const rig = createAccountsRig();
  await rig.addUser('ann', 'owner');
  const bob = await rig.addUser('bob', 'member');
  await rig.users.setDisabled(rig.root, bob.id, true);
  await expectCode(rig.passwords.check('bob', 'wrong', '192.0.2.1'), 'CREDENTIALS_WRONG');
  await expectCode(rig.passwords.check('bob', PASSWORD, '192.0.2.1'), 'USER_DISABLED');
});

test('forty guesses side by side get ten answers, and one more a minute', async () => {
  const rig = createAccountsRig();
  await rig.addUser('ann', 'owner');
  const guess = (source = '192.0.2.1') => rig.passwords.check('ann', 'wrong', source).catch((error) => error);
  const answers = await Promise.all(Array.from({ length: 40 }, () => guess()));
  assert.is(answers.filter(({ code }) => code === 'CREDENTIALS_WRONG').length, 10);
  const { retryAfterMs } = await expectCode(rig.passwords.check('ann', PASSWORD, '192.0.2.1'), 'RATE_LIMITED');
  assert.is(retryAfterMs, 60_000);
  assert.is((await rig.passwords.check('ann', PASSWORD, '192.0.2.2')).name, 'ann');
  rig.advance(60_000);
  assert.is((await rig.passwords.check('ann', PASSWORD, '192.0.2.1')).name, 'ann');
});

test('guesses at one name from many places, and at many names from one, are limited too', async () => {
  const rig = createAccountsRig();
  await rig.addUser('ann', 'owner');
  const count = async (guesses: readonly [name: string, source: string][]): Promise<number> => {
    let answered = 0;
    for (const [name, source] of guesses) {
      const { code } = await rig.passwords.check(name, 'wrong', source).catch((error) => error);
      if (code === 'CREDENTIALS_WRONG') answered++;
    }
    return answered;
  };
  assert.is(await count(Array.from({ length: 150 }, (_, index) => ['ann', `192.0.2.${index}`])), 100);
  assert.is(await count(Array.from({ length: 60 }, (_, index) => [`user-${index}`, '198.51.100.1'])), 40);
});

test('signing in well many times is no guessing', async () => {
  const rig = createAccountsRig();
  await rig.addUser('ann', 'owner');
  for (let round = 0; round < 50; round++) await rig.passwords.check('ann', PASSWORD, '192.0.2.1');
});

test("one's own password changes with the current one only", async () => {
  const rig = createAccountsRig();
  const ann = await rig.addUser('ann', 'owner');
  const next = 'another one, of many words';
  await expectCode(rig.passwords.change(actorOf(ann), ann.id, next), 'CREDENTIALS_WRONG');
  await expectCode(rig.passwords.change(actorOf(ann), ann.id, next, 'wrong'), 'CREDENTIALS_WRONG');
  const laptop = await addNode(rig.store, 'laptop', { userId: ann.id });
  await expectCode(rig.passwords.change(actorOf(ann, laptop.id), ann.id, next), 'CREDENTIALS_WRONG');
  await rig.passwords.change(actorOf(ann), ann.id, next, PASSWORD);
  await expectCode(rig.passwords.check('ann', PASSWORD, '192.0.2.1'), 'CREDENTIALS_WRONG');
  assert.is((await rig.passwords.check('ann', next, '192.0.2.1')).id, ann.id);
});

test('a member learns from a change of a password neither who is there nor who is not', async () => {
  const rig = createAccountsRig();
  const ann = await rig.addUser('ann', 'owner');
  const bob = actorOf(await rig.addUser('bob', 'member'));
  const there = await expectCode(rig.passwords.change(bob, ann.id, 'a new password'), 'FORBIDDEN');
  const absent = await expectCode(rig.passwords.change(bob, 'nobody', 'a new password'), 'FORBIDDEN');
  assert.is(there.message, absent.message);
});

test('a password that is too short, too long or of three letters is refused', async () => {
  const rig = createAccountsRig();
  for (const password of ['', 'ninechars', 'x'.repeat(1_001), 'ababababababab']) {
    await expectCode(rig.users.create(rig.root, { name: 'ann', role: 'owner', password }), 'PASSWORD_WEAK');
  }
  assert.equal(await rig.users.list(), []);
});

test('one password typed on two keyboards is one: composed or not', async () => {
  const rig = createAccountsRig();
  await rig.users.create(rig.root, { name: 'ann', role: 'owner', password: 'caf\u00e9 in the morning' });
  assert.is((await rig.passwords.check('ann', 'cafe\u0301 in the morning', '192.0.2.1')).name, 'ann');
});

test('signing in brings a hash to the parameters of today', async () => {
  const before = createAccountsRig();
  const ann = await before.addUser('ann', 'owner');
  const after = createAccountsRig({ scryptCost: { n: 32, r: 1, p: 1 } }, before.store);
  await after.passwords.check('ann', PASSWORD, '192.0.2.1');
  const record = readRecord(passwordRecord, (await before.store.get(userPaths.password(ann.id)))!);
  assert.is(record.n, 32);
  await after.passwords.check('ann', PASSWORD, '192.0.2.1');
});

test.run();
