import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type CliRig, withRig } from './cli-rig.ts';

const KEY = Buffer.alloc(32, 9).toString('base64');

function writeMembership(rig: CliRig, wanted: 'up' | 'down'): void {
  const urls = ['https://192.0.2.10:8443'];
  const membership = {
    networkId: 'a'.repeat(52),
    serverSet: { number: 1, servers: [{ channelKey: KEY, signKey: KEY, urls }] },
    link: { channelKey: KEY, urls },
    port: 51_820,
    wanted,
    resolved: {},
  };
  mkdirSync(join(rig.directory, 'state'));
  writeFileSync(join(rig.directory, 'state/membership.json'), JSON.stringify(membership));
}

test('a member that was put down is down, whether or not a daemon runs', () =>
  withRig(async (rig) => {
    writeMembership(rig, 'down');
    const status = await rig.run('status');
    assert.is(status.code, 0, status.err);
    assert.match(status.out, /^Down\. "pcloud up" brings the tunnel back\.$/m);
    assert.is(JSON.parse((await rig.run('status --json')).out).state, 'down');
    const down = await rig.run('down');
    assert.is(down.code, 0, down.err);
    assert.is(down.out, 'Down. "pcloud up" brings the tunnel back.\n');
  }));

test('a member that should be up, and whose daemon does not run, is told that', () =>
  withRig(async (rig) => {
    writeMembership(rig, 'up');
    for (const line of ['status', 'down']) {
      const { code, err } = await rig.run(line);
      assert.is(code, 4);
      assert.match(err, /^pcloud: no daemon answers at /);
    }
  }));

test('down returns once the process that ends has ended', () =>
  withRig(async (rig) => {
    const process = spawn('sleep', ['60']);
    const exited = new Promise((resolve) => process.once('exit', resolve));
    let isOver = false;
    await rig.serve('daemon.sock', () => ({ endingPid: process.pid }));
    const running = rig.run('down').then((ran) => {
      isOver = true;
      return ran;
    });
    while (rig.asked.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.not.ok(isOver);
    process.kill();
    assert.is((await running).code, 0);
    await exited;
  }));

test.run();
