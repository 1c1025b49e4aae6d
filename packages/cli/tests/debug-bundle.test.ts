import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type CliRig, withRig } from './cli-rig.ts';

const KEYS = ['machine.key', 'node.key', 'coordinator/root.key', 'coordinator/channel.key'];

/** A state directory as daemon and coordinator leave it. @returns the secrets, as bytes */
function writeState(rig: CliRig): Buffer[] {
  const state = join(rig.directory, 'state');
  mkdirSync(join(state, 'coordinator'), { recursive: true });
  const secrets = KEYS.map(() => randomBytes(32));
  for (const [index, name] of KEYS.entries())
    writeFileSync(join(state, name), `${secrets[index]!.toString('base64')}\n`);
  symlinkSync('42 1000 the holder of the lock', join(state, 'lock.1'));
  writeFileSync(join(state, 'membership.json'), '{"networkId":"abc"}\n');
  writeFileSync(join(rig.directory, 'daemon.log'), 'info: (pcloud) up\n');
  return secrets;
}

test('a bundle has status, log and membership, and no key in any form', () =>
  withRig(async (rig) => {
    const secrets = writeState(rig);
    await rig.serve('daemon.sock', () => ({ state: 'up' }));
    const file = join(rig.directory, 'out.tar.gz');
    const { code, out, err } = await rig.run(['debug', 'bundle', '--output', file]);
    assert.is(code, 0, err);
    assert.match(out, /out\.tar\.gz: names and addresses/);
    assert.is(statSync(file).mode & 0o777, 0o600);
    const archive = gunzipSync(readFileSync(file));
    for (const secret of secrets) {
      assert.is(archive.includes(secret), false);
      for (const form of ['base64', 'base64url', 'hex'] as const) {
        assert.is(archive.includes(secret.toString(form).slice(0, 40)), false, form);
      }
    }
    const list = spawnSync('tar', ['tzf', file], { encoding: 'utf8' });
    assert.is(list.status, 0, list.stderr);
    for (const name of ['machine.json', 'status.json', 'files.txt', 'state/membership.json', 'daemon.log']) {
      assert.match(list.stdout, `pcloud-debug/${name}\n`);
    }
    const files = spawnSync('tar', ['xzOf', file, 'pcloud-debug/files.txt'], { encoding: 'utf8' });
    for (const name of ['lock.1', ...KEYS]) assert.match(files.stdout, ` ${name}\n`);
    const read = spawnSync('tar', ['xzOf', file, 'pcloud-debug/daemon.log'], { encoding: 'utf8' });
    assert.is(read.stdout, 'info: (pcloud) up\n');
  }));

for (const form of ['latin1', 'base64', 'base64url', 'hex'] as const) {
  test(`a key that got into a log as ${form} stops the bundle, and is not shown`, () =>
    withRig(async (rig) => {
      const [secret] = writeState(rig);
      const shown = secret!.toString(form);
      writeFileSync(join(rig.directory, 'daemon.log'), `error: ${shown}\n`, form === 'latin1' ? 'latin1' : 'utf8');
      const file = join(rig.directory, 'out.tar.gz');
      const { code, err } = await rig.run(['debug', 'bundle', '-o', file]);
      assert.is(code, 1);
      assert.is(err, 'pcloud: debug bundle: "pcloud-debug/daemon.log" would hold a private key; nothing was written\n');
      assert.is(existsSync(file), false);
    }));
}

test('without a daemon it says so in the bundle, and is done all the same', () =>
  withRig(async (rig) => {
    const file = join(rig.directory, 'out.tar.gz');
    assert.is((await rig.run(['debug', 'bundle', '-o', file])).code, 0);
    const read = spawnSync('tar', ['xzOf', file, 'pcloud-debug/status.json'], { encoding: 'utf8' });
    assert.match(JSON.parse(read.stdout).error, /no daemon answers/);
  }));

test('a place that cannot be written to is one line', () =>
  withRig(async ({ run }) => {
    const { code, err } = await run('debug bundle -o /nowhere/out.tar.gz');
    assert.is(code, 1);
    assert.is(err, 'pcloud: "/nowhere/out.tar.gz": cannot be written (ENOENT); name another with --output\n');
  }));

test.run();
