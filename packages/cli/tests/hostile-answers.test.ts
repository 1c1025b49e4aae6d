/** Whatever a coordinator says, a terminal is given signs and lines, and nothing that moves its cursor. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { onOneLine, toPrintable } from '../src/printable.ts';
import { type Asked, Refusal, withRig } from './cli-rig.ts';

const EVIL = 'a\u{1b}[2J\u{1b}]0;x\u{7}\r\n\u{9b}31m\u{85}b\u{7f}\u{202e}c\u{2028}d\u{2066}';
const UNPRINTED = /[^\n\P{Cc}]|\p{Zl}|\p{Zp}|\p{Bidi_Control}/u;
const NODE = { name: EVIL, user: EVIL, tags: [EVIL], role: EVIL, addresses: [EVIL], online: true, nodeKey: EVIL };
const ANSWERS: Readonly<Record<string, unknown>> = {
  'nodes.list': [NODE, NODE],
  'nodes.rename': NODE,
  'nodes.adopt': NODE,
  'nodes.remove': { removed: EVIL },
  'approvals.approve': { name: EVIL },
  'users.list': [{ name: EVIL, role: EVIL, disabled: false, createdAtMs: Number.NaN }],
  'tokens.list': [{ id: EVIL, tags: [EVIL], reusable: true, ephemeral: true, expiresAtMs: 1e300 }],
  'tokens.revoke': { revoked: EVIL },
  'invites.create': { link: EVIL, expiresAtMs: 1 },
  'invitations.create': { url: EVIL },
  'network.counters': { connections: { [EVIL]: 1 }, refused: { [EVIL]: EVIL } },
};
const LINES = [
  ['nodes list', 3],
  ['nodes rename a b', 1],
  ['nodes adopt a', 1],
  ['nodes remove a', 1],
  ['nodes approve ABCD', 1],
  ['users list', 2],
  ['tokens list', 2],
  ['tokens revoke x', 1],
  ['invite', 1],
  ['users invite', 1],
  ['debug counters', 2],
] as const;

for (const [line, count] of LINES) {
  test(`class 19: "${line}" prints no control character and no line more, in words and in JSON`, () =>
    withRig(async (rig) => {
      await rig.serve('daemon.sock', ({ input }: Asked) => ({
        result: ANSWERS[(input as { operation: string }).operation],
      }));
      for (const isTerminal of [false, true]) {
        const { out, err } = await rig.run(line, { isTerminal });
        assert.not.match(out + err, UNPRINTED);
        assert.is(out.split('\n').length - 1, count, JSON.stringify(out));
      }
      const { out } = await rig.run(`${line} --json`);
      assert.not.match(out, UNPRINTED);
      assert.is(typeof JSON.parse(out), 'object');
    }));
}

test('class 19: a refusal of the coordinator is one line of signs', () =>
  withRig(async (rig) => {
    await rig.serve('daemon.sock', () => new Refusal('FORBIDDEN', EVIL));
    const { err } = await rig.run('nodes list');
    assert.not.match(err, UNPRINTED);
    assert.is(err.trimEnd().split('\n').length, 1);
  }));

test('class 19: what a person types is said back to them without what it would do to their terminal', () =>
  withRig(async (rig) => {
    await rig.serve('daemon.sock', () => ({ result: {} }));
    for (const line of [
      ['nodes', 'remove', EVIL],
      ['users', 'disable', EVIL],
      ['nope', EVIL],
      ['ping', '--timeout', EVIL, 'x'],
    ]) {
      const { out, err } = await rig.run(line);
      assert.not.match(out + err, UNPRINTED, JSON.stringify(line));
    }
  }));

test('what is fit to be printed is left as it is, and JSON is the same value', () => {
  const good = 'Zoë 日本 😀 "x" \\ \t\n';
  assert.is(toPrintable(good), good);
  assert.equal(onOneLine({ a: ['Zoë', 1, null, true] }), { a: ['Zoë', 1, null, true] });
  assert.equal(JSON.parse(toPrintable(JSON.stringify({ [EVIL]: EVIL }))), { [EVIL]: EVIL });
  assert.is(onOneLine('a\nb\u{9b}'), 'a\\u000ab\\u009b');
});

test.run();
