/** The root of a network leaves its seed for good, and the network goes on: at another address, too. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Host, type LabProcess, waitFor } from '../lab/index.ts';
import { createMeshNetwork, PCLOUD, type Ready, STATE_DIR, startSeed, status, up } from './lib/network.ts';

const network = await createMeshNetwork();
const { lab, seed, clients } = network;
const [first, second] = clients as [Host, Host];
const KIT = '/run/stick/kit';
/** A reconnect backs off for up to half a minute. */
const LIMIT_MS = 60_000;
let process: LabProcess;
let ready: Ready;
let root: Buffer;
let words: string;

async function restart(...args: readonly string[]): Promise<void> {
  if (process?.isRunning) await process.stop('SIGTERM', 10_000);
  ({ process, ready } = await startSeed(network, args));
}

/** Files of the seed's state that hold the root, in any form that a program might write it in. */
function holders(): string[] {
  const directory = `/proc/${seed.pid}/root${STATE_DIR}`;
  const texts = (['base64', 'base64url', 'hex'] as const).map((form) => root.toString(form).replace(/=+$/, ''));
  const forms = [root, ...[...texts, texts[2]!.toUpperCase(), words].map((text) => Buffer.from(text))];
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => {
      const content = readFileSync(path);
      return forms.some((form) => content.includes(form));
    });
}

/** The servers' URLs that a device keeps. */
function knownUrls(host: Host): string {
  return JSON.stringify(JSON.parse(host.read(`${STATE_DIR}/membership.json`)).serverSet.servers);
}

test('the seed asks for its kit to be taken, and gives it out as words and as a file', async () => {
  await restart('--public-url', 'https://192.0.2.10:8443');
  await up(first, ready.joinLink);
  assert.match(process.output(), 'take the recovery kit');
  assert.match((await seed.run([PCLOUD, 'status'])).stdout, 'pcloud recovery take');
  assert.not.match((await first.run([PCLOUD, 'status'])).stdout, 'recovery');

  await seed.run('mkdir -p /run/stick');
  await seed.run([PCLOUD, 'recovery', 'take', '--file', KIT]);
  root = Buffer.from(/^root (\S+)$/m.exec(seed.read(KIT))![1]!, 'base64');
  words = (await seed.run([PCLOUD, 'recovery', 'take', '--words'])).stdout.trim();
  assert.is(words.split(' ').length, 24);
  assert.equal(
    holders().map((path) => path.split('/').at(-1)),
    ['root.key'],
  );
});

test('who proves to have it takes it off the disk, while the coordinator runs', async () => {
  await seed.run([PCLOUD, 'recovery', 'confirm'], { input: `${words}\n` });
  assert.equal(holders(), []);
  assert.match((await seed.run([PCLOUD, 'recovery', 'status'])).stdout, 'The root is not on this disk');
  assert.not.match((await seed.run([PCLOUD, 'status'])).stdout, 'recovery');
  await seed.run([PCLOUD, 'recovery', 'confirm', '--file', KIT]);
  const { stdout } = await seed.run([PCLOUD, 'audit', 'list', '--json']);
  const actions = (JSON.parse(stdout) as { action: string }[]).map(({ action }) => action);
  assert.equal(
    actions.filter((action) => action.startsWith('recovery.')),
    ['recovery.confirm', 'recovery.confirm', 'recovery.take', 'recovery.take'],
  );
});

test('without it the seed tells a device of another address, under which a new one joins', async () => {
  const moved = ['--public-url', 'https://192.0.2.10:9443'];
  await restart(...moved, '--listen', '0.0.0.0:8443', '--listen', '0.0.0.0:9443');
  assert.match(ready.joinLink, /^https:\/\/192\.0\.2\.10:9443\/join#/);
  assert.not.match(process.output(), 'take the recovery kit');
  await waitFor('the new address on the first device', () => knownUrls(first).includes(':9443'), LIMIT_MS);
  assert.is((await up(second, ready.joinLink)).name, 'second');

  await restart(...moved, '--listen', '0.0.0.0:9443');
  for (const host of [first, second]) {
    await waitFor(`${host.name} to be back`, async () => (await status(host)).coordinator.connected, LIMIT_MS);
  }
  assert.equal(holders(), []);
});

test.after(async () => {
  await process?.stop('SIGINT', 10_000);
  await lab.close();
});

test.run();
