import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { CliContext } from '../src/context.ts';
import { CliError } from '../src/exit.ts';
import { findOwners, offerFirstAccount } from '../src/seed/first-account.ts';

/** Types answers on a terminal. @returns what was said, and what the coordinator was asked */
async function type(answers: readonly string[], refusals: readonly Error[] = []) {
  const left = [...answers];
  const no = [...refusals];
  const said: string[] = [];
  const asked: unknown[] = [];
  const context = {
    isTerminal: true,
    out: (text: string) => said.push(text),
    err: (text: string) => said.push(text),
    ask: async () => left.shift(),
  } as unknown as CliContext;
  await offerFirstAccount(context, async (...words) => {
    asked.push(words);
    const refusal = no.shift();
    if (refusal !== undefined) throw refusal;
  });
  return { said: said.join(''), asked };
}

test('a name and a password twice make the owner', async () => {
  const { said, asked } = await type([' ada ', 'secret horse', 'secret horse']);
  assert.equal(asked, [['users.add', { name: 'ada', role: 'owner', password: 'secret horse' }]]);
  assert.is(said, 'ada is the owner of this network.\n\n');
});

test('no name means later, and so does the end of the input', async () => {
  assert.equal((await type([''])).asked, []);
  assert.equal((await type([])).asked, []);
});

test('what the coordinator refuses is said, and asked again', async () => {
  const answers = ['ada', 'short', 'short', 'ada', 'long enough', 'long enough'];
  const { said, asked } = await type(answers, [new CliError('refused', 'password: too short')]);
  assert.is(asked.length, 2);
  assert.match(said, /^password: too short\nada is the owner/);
});

test('owners are those who may act: no admin, and nobody who is disabled', async () => {
  const user = { id: 'a', role: 'owner', disabled: false };
  const listing = (...users: readonly unknown[]) => findOwners(async () => users);
  assert.equal(await listing(user, { ...user, id: 'b', role: 'admin' }), ['a']);
  assert.equal(await listing(user, { ...user, id: 'b' }), ['a', 'b']);
  assert.equal(await listing({ ...user, disabled: true }), []);
});

test.run();
