import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type CliRig, withRig } from './cli-rig.ts';

const ROOT = new Uint8Array(32).fill(0x7f);
/** `ROOT` by BIP-39. */
const WORDS = 'legal winner thank year wave sausage worth useful '
  .repeat(3)
  .trim()
  .replace(/useful$/, 'title');

/** A rig on a machine that coordinates a network. */
function withSeed(act: (rig: CliRig & { readonly rootPath: string }) => Promise<void>): Promise<void> {
  return withRig(async (rig) => {
    const stateDir = join(rig.directory, 'state', 'coordinator');
    mkdirSync(stateDir, { recursive: true });
    const rootPath = join(stateDir, 'root.key');
    writeFileSync(rootPath, `${Buffer.from(ROOT).toString('base64')}\n`);
    writeFileSync(join(stateDir, 'channel.key'), '');
    await act({ ...rig, rootPath });
  });
}

test('words alone are on standard output, and typing them takes the root off the disk', () =>
  withSeed(async ({ run, rootPath }) => {
    const taken = await run('recovery take --words');
    assert.equal(taken, { code: 0, out: `${WORDS}\n`, err: 'Once you have it: pcloud recovery confirm\n' });
    assert.ok(existsSync(rootPath));
    const confirmed = await run('recovery confirm', { isTerminal: true, answers: [WORDS] });
    assert.is(confirmed.code, 0, confirmed.err);
    assert.match(confirmed.out, 'The root is not on this disk any more');
    assert.not.ok(existsSync(rootPath));
    assert.match((await run('recovery confirm', { input: WORDS })).out, 'It was confirmed before');
    assert.is((await run('recovery take --words')).code, 1);
  }));

test('a file is its owner’s alone, is never written over, and confirms', () =>
  withSeed(async ({ run, directory, rootPath }) => {
    const file = join(directory, 'kit');
    const taken = await run(['recovery', 'take', '--file', file]);
    assert.is(taken.code, 0, taken.err);
    assert.match(taken.err, 'is on the disk that it is to leave');
    assert.is(statSync(file).mode & 0o777, 0o600);
    const text = readFileSync(file, 'utf8');
    const again = await run(['recovery', 'take', '--file', file]);
    assert.is(again.code, 1);
    assert.match(again.err, 'is there already');
    assert.is(readFileSync(file, 'utf8'), text);
    assert.is((await run(['recovery', 'confirm', '--file', file])).code, 0);
    assert.not.ok(existsSync(rootPath));
  }));

test('a file within the state is refused, for it would not leave with the kit', () =>
  withSeed(async ({ run, directory }) => {
    for (const place of ['state/kit', 'state/coordinator/kit']) {
      const { code, err } = await run(['recovery', 'take', '--file', join(directory, place)]);
      assert.is(code, 2);
      assert.match(err, 'choose another place');
      assert.not.ok(existsSync(join(directory, place)));
    }
    assert.is(JSON.parse((await run('recovery status --json')).out).state, 'untaken');
  }));

test('a page goes to a printer', () =>
  withSeed(async ({ run }) => {
    const { out } = await run('recovery take --print');
    assert.match(out, /^PCloud recovery kit, /);
    assert.match(out, /1 {2}legal .*24 {2}title|6 {2}sausage/s);
  }));

test('one form is taken at a time', () =>
  withSeed(async ({ run }) => {
    for (const line of ['recovery take', 'recovery take --words --print']) {
      const { code, out } = await run(line);
      assert.equal([code, out], [2, '']);
    }
  }));

test('wrong words change nothing, and are a wrong use; those of another network fail', () =>
  withSeed(async ({ run, rootPath }) => {
    const cut = await run('recovery confirm', { input: 'legal winner' });
    assert.is(cut.code, 2);
    assert.match(cut.err, 'expected its file or 24 words, got 2');
    assert.is((await run('recovery confirm', { isTerminal: true, answers: [undefined] })).code, 2);
    assert.is((await run('recovery confirm', { input: `${'zoo '.repeat(23)}vote` })).code, 1);
    assert.ok(existsSync(rootPath));
  }));

test('status says where the root is', () =>
  withSeed(async ({ run }) => {
    assert.match((await run('recovery status')).out, 'nobody took the recovery kit');
    await run('recovery take --words');
    assert.match((await run('recovery status')).out, '"pcloud recovery confirm"');
    await run('recovery confirm', { input: WORDS });
    assert.match((await run('recovery status')).out, 'The root is not on this disk since ');
    const status = JSON.parse((await run('recovery status --json')).out);
    assert.is(status.state, 'confirmed');
    assert.ok(status.confirmedAtMs >= status.takenAtMs);
  }));

test('a machine that is no seed says so before it asks for anything', () =>
  withRig(async ({ run }) => {
    for (const line of ['recovery take --words', 'recovery confirm', 'recovery status']) {
      const { code, err } = await run(line, { isTerminal: true });
      assert.is(code, 1);
      assert.match(err, /^pcloud: .*no network was started here\n$/);
    }
  }));

test('the status of a seed reminds of the kit until it was confirmed', () =>
  withSeed(async (rig) => {
    const coordinator = { connected: true, url: null, problem: null };
    await rig.serve('daemon.sock', () => ({ state: 'up', coordinator, peers: [] }));
    assert.match((await rig.run('status')).out, '"pcloud recovery take --words", then "pcloud recovery confirm"');
    await rig.run('recovery confirm', { input: WORDS });
    assert.not.match((await rig.run('status')).out, 'recovery');
  }));

test.run();
