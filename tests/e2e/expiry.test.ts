/** A device whose key has expired, and its renewal from afar and at the device itself. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Host, ping, waitFor, waitForPing } from '../lab/index.ts';
import { createMeshNetwork, PCLOUD, startSeed, status, up } from './lib/network.ts';

const network = await createMeshNetwork();
const { lab, seed, clients } = network;
const [first, second] = clients as [Host, Host];
const run = (...words: readonly string[]) => seed.run([PCLOUD, ...words]);
const namesOf = async (host: Host): Promise<string> => (await status(host)).peers.map(({ name }) => name).join();

/** What `pcloud status` says of the key. */
async function isExpired(host: Host): Promise<boolean> {
  const { stdout } = await host.run([PCLOUD, 'status', '--json']);
  return JSON.parse(stdout).key?.isExpired === true;
}

let address = '';

test('a key that expires takes its device out of sight, and leaves it its channel', async () => {
  await startSeed(network);
  await seed.run([PCLOUD, 'users', 'add', '--owner', 'ada'], { input: 'correct horse battery\n' });
  for (const host of [first, second]) {
    const { stdout } = await run('invite', '--user', 'ada');
    const { addresses } = await up(host, stdout.trim());
    if (host === first) address = addresses[0]!;
  }
  await waitForPing(second, address);
  await run('nodes', 'expire', 'first', '--in', 'now');
  await waitFor('it to be out of sight', async () => (await namesOf(second)) === 'seed', 5_000);
  await waitFor('it to see nobody', async () => (await namesOf(first)) === '', 5_000);
  assert.is((await ping(second, address)).received, 0);
  assert.ok(await isExpired(first));
  assert.ok((await status(first)).coordinator.connected);
  const { stdout } = await first.run([PCLOUD, 'status']);
  assert.match(stdout.replace(/\s+/g, ' '), 'has expired: it sees nobody');
  assert.match((await run('nodes', 'list')).stdout, /^first .*expired$/m);
  const { code, stderr } = await first.run([PCLOUD, 'nodes', 'renew', 'first'], { check: false });
  assert.is(code, 3);
  assert.match(stderr, 'has expired');
});

test('another device of its owner renews it from afar, and it has its address and its peers again', async () => {
  await second.run([PCLOUD, 'nodes', 'renew', 'first']);
  await waitForPing(second, address, 10_000);
  assert.not.ok(await isExpired(first));
  assert.equal((await status(first)).self.addresses[0], address);
});

test('the device asks for renewal itself, and somebody types the code', async () => {
  await run('nodes', 'expire', 'first', '--in', 'now');
  await waitFor('it to be out of sight', async () => (await namesOf(second)) === 'seed', 5_000);
  const login = first.spawn([PCLOUD, 'login', '--json']);
  const line = await waitFor(
    'the code',
    () =>
      login
        .stdout()
        .split('\n')
        .find((one) => one.includes('"code"')),
    10_000,
  );
  const { code } = JSON.parse(line) as { code: string };
  await second.run([PCLOUD, 'nodes', 'approve', code]);
  await waitFor('it to be told', () => !login.isRunning, 10_000, login.output);
  assert.match(login.stdout(), '"isExpired":false');
  await waitForPing(second, address, 10_000);
});

test('a life for all keys is set, warned of, and taken back', async () => {
  await run('network', 'set', 'key-life', '5d');
  const warned = async (): Promise<boolean> => {
    const { stdout } = await first.run([PCLOUD, 'status']);
    return /The key of this device expires in [45] days?/.test(stdout);
  };
  await waitFor('a warning', warned, 5_000);
  const { stdout } = await run('nodes', 'list');
  assert.match(stdout, /^second .*expires in 4 days$/m);
  assert.not.match(stdout, /^seed .*expires/m);
  await run('network', 'set', 'key-life', 'off');
  await waitFor('its end', async () => !(await warned()), 5_000);
});

test('an expired device stays out of sight over a restart of both ends', async () => {
  await run('nodes', 'expire', 'first', '--in', 'now');
  await waitFor('it to see nobody', async () => (await namesOf(first)) === '', 5_000);
  await first.run([PCLOUD, 'down']);
  await first.run([PCLOUD, 'up'], { timeoutMs: 30_000 });
  await waitFor('it to be told again', () => isExpired(first), 20_000);
  assert.is(await namesOf(first), '');
  assert.is((await ping(second, address)).received, 0);
});

test.after(() => lab.close());
test.run();
