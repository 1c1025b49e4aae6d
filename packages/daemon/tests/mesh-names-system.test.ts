import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatAddress } from '@pcloud/ip';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { waitFor } from '../../../tests/lab/index.ts';
import { createSystemClock } from '../src/clock.ts';
import { type Logger, silentLogger } from '../src/log.ts';
import { nameserversOf } from '../src/mesh/names/resolv-conf.ts';
import { createSystemNames, type SystemNames } from '../src/mesh/names/system-names.ts';
import type { DnsMode } from '../src/mesh/names.ts';
import { createFakeControl, createMap, createNode } from '../src/testing/fake-control.ts';
import { createFakeMachine } from '../src/testing/fake-machine.ts';

const ORIGINAL = 'search example.org\nnameserver 192.0.2.53\nnameserver 127.0.0.1';
const key = new Uint8Array(32);
const mapOf = (addresses: string[]) => createMap(createFakeControl(), [createNode(2, key, { addresses })]);

interface Rig {
  readonly names: SystemNames;
  readonly path: string;
  readonly stateDir: string;
  readonly warnings: string[];
  /** Programs that were started to tell them of us. */
  readonly runs: string[];
  read(): string;
}

async function withRig(act: (rig: Rig) => Promise<void>, port = 0, dns: DnsMode = 'auto'): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'pcloud-names-'));
  const path = join(directory, 'resolv.conf');
  const stateDir = join(directory, 'state');
  writeFileSync(path, ORIGINAL);
  const warnings: string[] = [];
  const runs: string[] = [];
  const log: Logger = { ...silentLogger, warn: (_fields, event) => void warnings.push(event) };
  const names = createSystemNames(
    { stateDir, interfaceName: 'pcloud0', resolvConf: path, port, dns },
    {
      network: createFakeMachine(),
      clock: createSystemClock(),
      random: () => {},
      log,
      programs: { exists: () => false, run: async () => void runs.push('run'), runNow: () => void runs.push('run') },
    },
  );
  try {
    await act({ names, path, stateDir, warnings, runs, read: () => readFileSync(path, 'utf8') });
  } finally {
    names.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

test('programs are sent here once there is somebody who listens, and the machine keeps its own servers', () =>
  withRig(async ({ names, read }) => {
    names.apply(mapOf(['127.0.0.1', '::1']));
    assert.is(read(), ORIGINAL, 'nobody listens yet');
    await waitFor('the file to be ours', () => read() !== ORIGINAL);
    assert.equal(nameserversOf(read())[0], '127.0.0.1');
    assert.equal(names.nameservers().map(formatAddress), ['192.0.2.53'], 'never ourselves');
    names.stop();
    assert.is(read(), ORIGINAL);
    names.apply(mapOf(['::1']));
    await waitFor('the file to be ours again', () => nameserversOf(read())[0] === '::1');
  }));

test('an address that cannot be had does not keep the others from answering', () =>
  withRig(async ({ names, read, warnings }) => {
    names.apply(mapOf(['203.0.113.7', '::1']));
    await waitFor('the file to be ours', () => nameserversOf(read())[0] === '::1');
    assert.equal(warnings, []);
  }));

test('a port that another program has is warned of, and programs are not sent there', async () => {
  const other = createSocket('udp4');
  await new Promise<void>((resolve) => other.bind(0, '127.0.0.1', resolve));
  await withRig(async ({ names, read, warnings }) => {
    names.apply(mapOf(['127.0.0.1']));
    await waitFor('the warning', () => warnings.length > 0);
    assert.is(read(), ORIGINAL);
  }, other.address().port);
  other.close();
});

test('with names of the machine left alone, nodes are answered for where we are asked, and nothing else changes', async () => {
  const place = createSocket('udp4');
  await new Promise<void>((resolve) => place.bind(0, '127.0.0.1', resolve));
  const { port } = place.address();
  await new Promise<void>((resolve) => place.close(resolve));
  await withRig(
    async ({ names, read, runs, stateDir }) => {
      names.apply(mapOf(['127.0.0.1']));
      await waitFor('the resolver to listen', () => names.status().addresses.length > 0);
      const resolver = new Resolver({ timeout: 2_000, tries: 1 });
      resolver.setServers([`127.0.0.1:${port}`]);
      assert.equal(await resolver.resolve4('node-2.pcloud'), ['127.0.0.1']);
      const refused = await resolver.resolve4('example.org').catch((error: { code: string }) => error.code);
      assert.is(refused, 'EREFUSED', 'other names are for the machine to ask elsewhere');
      assert.is(names.status().dns, 'off');
      assert.is(names.status().counters.answered, 1);
      names.stop();
      assert.is(read(), ORIGINAL);
      assert.equal(runs, []);
      assert.not(existsSync(join(stateDir, 'resolv-conf.json')));
    },
    port,
    'off',
  );
});

test('who stops while it starts leaves nothing behind', () =>
  withRig(async ({ names, read, stateDir }) => {
    names.apply(mapOf(['127.0.0.1', '::1']));
    names.stop();
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.is(read(), ORIGINAL);
    assert.not(existsSync(join(stateDir, 'resolv-conf.json')));
  }));

test('a process that dies of an error of its own puts the file back', () =>
  withRig(async ({ path, stateDir, read }) => {
    const program = fileURLToPath(new URL('./mesh-names-host.ts', import.meta.url));
    const child = spawnSync(process.execPath, ['-C', 'source', '--import', 'tsx', program, 'crash', path, stateDir], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    assert.match(child.stderr, 'our resolver first');
    assert.match(child.stderr, 'a bug');
    assert.is.not(child.status, 0);
    assert.is(read(), ORIGINAL);
  }));

test.run();
