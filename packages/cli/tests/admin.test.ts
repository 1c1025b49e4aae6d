import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { askCoordinator, formatWords, takeKit } from '@pcloud/coordinator';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type CliRig, withRig } from './cli-rig.ts';
import { startLoopback } from './loopback-coordinator.ts';

const _silent = { debug() {}, info() {}, warn() {}, error() {} };

/** A coordinator in the rig's directories, for as long as the act takes. */
async function withCoordinator(rig: CliRig, act: () => Promise<void>): Promise<void> {
  const coordinator = await startLoopback(join(rig.directory, 'state', 'coordinator'), rig.directory);
  try {
    await act();
  } finally {
    await coordinator.close();
  }
}

test('a backup is taken while the coordinator runs, for root alone to read, and in place of nothing', () =>
  withRig(async (rig) => {
    const file = join(rig.directory, 'backup');
    await withCoordinator(rig, async () => {
      const { code, out, err } = await rig.run(['admin', 'backup', file, '--json']);
      assert.is(code, 0, err);
      const { networkId, sealed } = JSON.parse(out);
      assert.is(sealed, false);
      assert.match(err, 'in the clear');
      assert.match(readFileSync(file, 'utf8'), `network ${networkId}\n`);
      assert.is(statSync(file).mode & 0o777, 0o600);
      const again = await rig.run(['admin', 'backup', file]);
      assert.is(again.code, 1);
      assert.match(again.err, 'is there already');
      const [entry] = (await askCoordinator(rig.directory, 'audit.list', { limit: 1 })) as { action: string }[];
      assert.is(entry!.action, 'backup.create');
    });
  }));

test('a backup goes to standard output, also where the coordinator rests, and comes back from standard input', () =>
  withRig(async (rig) => {
    await withCoordinator(rig, async () => {});
    const { out, code } = await rig.run('admin backup -');
    assert.is(code, 0);
    assert.match(out, /^pcloud-backup 1\n/);
    const environment = { PCLOUD_STATE_DIR: join(rig.directory, 'other') };
    const restored = await rig.run('admin restore -', { input: out, environment });
    assert.is(restored.code, 0, restored.err);
    assert.match(restored.out, 'Start it with "pcloud seed"');
    const twice = await rig.run('admin restore -', { input: out, environment });
    assert.is(twice.code, 1);
    assert.match(twice.err, 'there is a network already');
  }));

test('a sealed backup asks for the words of the kit, and without a terminal for its file', () =>
  withRig(async (rig) => {
    let words = '';
    await withCoordinator(rig, async () => {
      takeKit(join(rig.directory, 'state', 'coordinator'), Date.now(), ({ root }) => {
        words = formatWords(root);
      });
    });
    const file = join(rig.directory, 'backup');
    await rig.run(['admin', 'backup', file]);
    const environment = { PCLOUD_STATE_DIR: join(rig.directory, 'other') };
    const blind = await rig.run(['admin', 'restore', file], { environment });
    assert.is(blind.code, 2);
    assert.match(blind.err, '--kit');
    const wrong = await rig.run(['admin', 'restore', file], { environment, isTerminal: true, answers: ['one two'] });
    assert.is(wrong.code, 2);
    const right = await rig.run(['admin', 'restore', file], { environment, isTerminal: true, answers: [words] });
    assert.is(right.code, 0, right.err);
  }));

test('where there is no network there is nothing to back up, and nothing is made', () =>
  withRig(async (rig) => {
    mkdirSync(join(rig.directory, 'state'));
    const { code, err } = await rig.run('admin backup -');
    assert.is(code, 1);
    assert.match(err, 'no network was started here');
    assert.throws(() => statSync(join(rig.directory, 'state', 'coordinator')), /ENOENT/);
  }));

test.run();
