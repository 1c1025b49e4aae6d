import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRevocationSet, writeMapMessage } from '@pcloud/netmap';
import { createNobleCrypto } from '@pcloud/wireguard';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DaemonError } from '../src/errors.ts';
import { silentLogger } from '../src/log.ts';
import { createMapKeeper } from '../src/mesh/map-keeper.ts';
import { loadIdentity } from '../src/mesh/state/identity.ts';
import { openMapStore } from '../src/mesh/state/map-store.ts';
import { openMembership } from '../src/mesh/state/membership.ts';
import { openRevocations } from '../src/mesh/state/revocations.ts';
import { openSeen } from '../src/mesh/state/seen.ts';
import { lockState, processName } from '../src/mesh/state/state-lock.ts';
import { createFakeClock } from '../src/testing/fake-clock.ts';
import { createFakeControl, createMap, createNode } from '../src/testing/fake-control.ts';

const crypto = createNobleCrypto();
const control = createFakeControl();
const random = (out: Uint8Array): void => void out.fill(0xff);

async function withDirectory(act: (directory: string) => void | Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'pcloud-state-'));
  try {
    await act(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function codeOf(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    assert.instance(error, DaemonError);
    return (error as DaemonError).code;
  }
}

test('keys are made once, clamped, and the same ever after', () =>
  withDirectory((directory) => {
    const first = loadIdentity(directory, { crypto, random });
    assert.is(first.node.privateKey[0]! & 7, 0);
    assert.is(first.node.privateKey[31]! & 0xc0, 64);
    const second = loadIdentity(directory, { crypto, random: () => assert.unreachable('no new key') });
    assert.equal(second.node.publicKey, first.node.publicKey);
    assert.equal(second.machine.publicKey, first.machine.publicKey);
  }));

test('an empty key file, as a full disk may leave one, is an error and not a new key', () =>
  withDirectory((directory) => {
    writeFileSync(join(directory, 'machine.key'), '');
    assert.is(
      codeOf(() => loadIdentity(directory, { crypto, random })),
      'STATE_CORRUPT',
    );
    assert.is(readFileSync(join(directory, 'machine.key'), 'utf8'), '');
  }));

test('destroyed keys are zero', () =>
  withDirectory((directory) => {
    const identity = loadIdentity(directory, { crypto, random });
    identity.destroy();
    assert.ok([...identity.machine.privateKey, ...identity.node.privateKey].every((byte) => byte === 0));
  }));

test('what was seen grows, and is never taken back', () =>
  withDirectory((directory) => {
    const seen = openSeen(directory);
    seen.note({ epoch: 1, revision: 9 });
    seen.note({ epoch: 1, revision: 3 });
    assert.equal(openSeen(directory).version, { epoch: 1, revision: 9 });
    seen.note({ epoch: 2, revision: 0 });
    seen.note({ epoch: 1, revision: 99 });
    assert.equal(openSeen(directory).version, { epoch: 2, revision: 0 });
  }));

test('a directory that cannot be written to is an error that names the file', () =>
  withDirectory((directory) => {
    writeFileSync(join(directory, 'state'), 'a file where the directory should be');
    assert.is(
      codeOf(() => openMembership(join(directory, 'state'))),
      'STATE_FAILED',
    );
    assert.is(
      codeOf(() => openSeen(join(directory, 'new', 'deep')).note({ epoch: 1, revision: 1 })),
      undefined,
    );
    assert.is(
      codeOf(() => lockState(join(directory, 'state'))),
      'STATE_FAILED',
    );
  }));

test('a map comes back from disk as it was, with presence and endpoints that worked', () =>
  withDirectory((directory) => {
    const store = openMapStore(directory, silentLogger);
    const map = createMap(control, [
      createNode(1, new Uint8Array(32).fill(1)),
      createNode(2, new Uint8Array(32).fill(2)),
    ]);
    const presence = [{ id: 'n2', online: true, endpoints: ['192.0.2.2:1'] }];
    store.save({ map, presence, worked: new Map([['n2', '192.0.2.9:9']]) });
    const saved = store.load(control.networkId);
    assert.equal(saved?.map, map);
    assert.equal(saved?.presence, presence);
    assert.is(saved?.worked.get('n2'), '192.0.2.9:9');
    assert.is(store.load(createFakeControl(2).networkId), undefined, 'of another network it is none');
  }));

test('a map with any byte of it cut off or changed is no map', () =>
  withDirectory((directory) => {
    const path = join(directory, 'map.json');
    const store = openMapStore(directory, silentLogger);
    const map = createMap(control, [
      createNode(1, new Uint8Array(32).fill(1)),
      createNode(2, new Uint8Array(32).fill(2)),
    ]);
    store.save({ map, presence: [], worked: new Map() });
    const good = readFileSync(path);
    const firstLine = good.indexOf('\n');
    for (let length = 0; length < firstLine; length += 7) {
      writeFileSync(path, good.subarray(0, length));
      assert.is(store.load(control.networkId), undefined, `cut at ${length}`);
    }
    const changed = Buffer.from(good);
    const at = good.indexOf('node-2');
    changed[at + 5] = '3'.charCodeAt(0);
    writeFileSync(path, changed);
    assert.is(store.load(control.networkId), undefined, 'the hash tells');
  }));

test('a full disk keeps no map and stops nothing, and what was seen holds until the end', () => {
  const clock = createFakeClock();
  const warnings: string[] = [];
  const fail = (): never => {
    throw new DaemonError('STATE_FAILED', 'ENOSPC');
  };
  const keeper = createMapKeeper({
    store: { load: () => undefined, save: fail, remove() {} },
    seen: { version: { epoch: 0, revision: 0 }, note: fail, remove() {} },
    revocations: { of: createRevocationSet, add: fail },
    clock,
    log: { ...silentLogger, warn: (_fields, event) => void warnings.push(event) },
    worked: () => new Map(),
  });
  const map = createMap(control, [createNode(1, new Uint8Array(32).fill(1))]);
  assert.is(keeper.takeMap(writeMapMessage(map), control.networkId), undefined);
  clock.advance(2_000);
  assert.is(keeper.map?.revision, 1);
  assert.is(warnings.length, 2);
});

test('the first map is on disk at once, later ones within a second', () =>
  withDirectory((directory) => {
    const clock = createFakeClock();
    const store = openMapStore(directory, silentLogger);
    const keeper = createMapKeeper({
      store,
      seen: openSeen(directory),
      revocations: openRevocations(directory),
      clock,
      log: silentLogger,
      worked: () => new Map(),
    });
    const nodes = [1, 2].map((number) => createNode(number, new Uint8Array(32).fill(number)));
    const first = createMap(control, nodes.slice(0, 1));
    const second = createMap(control, nodes, { revision: 2 });
    keeper.takeMap(writeMapMessage(first), control.networkId);
    assert.is(store.load(control.networkId)?.map.revision, 1);
    keeper.takeMap(writeMapMessage(second), control.networkId);
    assert.is(store.load(control.networkId)?.map.revision, 1);
    assert.is(openSeen(directory).version.revision, 2, 'that it is newer is known at once');
    clock.advance(1_000);
    assert.is(store.load(control.networkId)?.map.revision, 2);
  }));

test('a state directory is one process at a time, and free after it ends', () =>
  withDirectory((directory) => {
    const lock = lockState(directory);
    assert.is(
      codeOf(() => lockState(directory)),
      'ALREADY_RUNNING',
    );
    lock.release();
    lockState(directory).release();
    assert.is(readdirSync(directory).length, 1, 'locks do not pile up');
  }));

test('a state directory on a full disk is locked like any other', () =>
  withDirectory((directory) => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', directory]);
    try {
      assert.throws(() => writeFileSync(join(directory, 'ballast'), new Uint8Array(100_000)), /ENOSPC/);
      const lock = lockState(directory);
      assert.is(
        codeOf(() => lockState(directory)),
        'ALREADY_RUNNING',
      );
      lock.release();
      lockState(directory).release();
    } finally {
      execFileSync('umount', [directory]);
    }
  }));

test('the lock of a process that was killed is taken over, also when its number is used again', () =>
  withDirectory((directory) => {
    const dead = spawnSync(process.execPath, ['-e', '0']).pid;
    symlinkSync(`${dead} 123 some-boot`, join(directory, 'lock.7'));
    lockState(directory).release();
    const boot = processName(process.pid)!.split(' ')[2];
    symlinkSync(`${process.pid} 1 ${boot}`, join(directory, 'lock.20'));
    lockState(directory).release();
    assert.equal(readdirSync(directory), ['lock.22'], 'its own is followed by that of nobody');
  }));

test('the lock of a process that has ended and that nobody takes note of is free', () =>
  withDirectory(async (directory) => {
    // Its child ends at once, and it never asks how.
    const program =
      'import os, time\nchild = os.fork()\nif child == 0: os._exit(0)\nprint(child, flush=True)\ntime.sleep(60)';
    const parent = spawn('python3', ['-c', program], { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      const [line] = (await once(parent.stdout, 'data')) as [Buffer];
      const pid = Number(line);
      const fieldsOf = (): string[] => readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ');
      while (fieldsOf()[2] !== 'Z') await new Promise((resolve) => setImmediate(resolve));
      const boot = processName(process.pid)!.split(' ')[2];
      symlinkSync(`${pid} ${fieldsOf()[21]} ${boot}`, join(directory, 'lock.1'));
      lockState(directory).release();
    } finally {
      parent.kill();
    }
  }));

test.run();
