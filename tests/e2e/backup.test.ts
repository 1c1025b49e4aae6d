/** A server is lost, and its network put back on another host: devices are back without anybody's doing. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Host, type LabProcess, ping, waitFor } from '../lab/index.ts';
import { createMeshNetwork, PCLOUD, startSeed, status, up } from './lib/network.ts';
import { addDevice, invite } from './lib/stations.ts';

const network = await createMeshNetwork();
const { lab, router, seed, clients } = network;
const [first, second] = clients as [Host, Host];
const BACKUP = '/run/stick/backup';
const KIT = '/run/stick/kit';
/** A reconnect backs off for up to half a minute. */
const LIMIT_MS = 60_000;
const URL_ARGUMENTS = ['--public-url', 'https://192.0.2.10:8443'];
let process: LabProcess;
let third: Host;
let replacement: Host;
let before: Awaited<ReturnType<typeof status>>;

test('a backup is taken while the network runs, and only the kit opens it', async () => {
  const started = await startSeed(network, URL_ARGUMENTS);
  process = started.process;
  await seed.run([PCLOUD, 'users', 'add', 'ada', '--owner'], { input: 'a password of many words\n' });
  // Root's links are for the one owner that there is.
  await up(first, await invite(seed));
  await up(second, await invite(seed));
  third = await addDevice(network, 'third');
  await up(third, await invite(seed));
  await seed.run([PCLOUD, 'nodes', 'remove', '--revoke', 'third']);
  await waitFor('the first to see the second', async () => (await status(first)).peers.length === 2, LIMIT_MS);
  before = await status(first);

  await seed.run('mkdir -p /run/stick');
  await seed.run([PCLOUD, 'recovery', 'take', '--file', KIT]);
  await seed.run([PCLOUD, 'recovery', 'confirm', '--file', KIT]);
  const { stdout } = await seed.run([PCLOUD, 'admin', 'backup', BACKUP, '--json']);
  assert.is(JSON.parse(stdout).sealed, true);
  // What comes after it is not in it.
  await seed.run([PCLOUD, 'nodes', 'rename', 'first', 'later']);
  await seed.run([PCLOUD, 'nodes', 'remove', '--revoke', 'second']);
  await waitFor('the second to be nobody to the first', async () => (await status(first)).peers.length === 1, LIMIT_MS);
});

test('the server is lost, and its network is put back on another host of that address', async () => {
  await process.signal('SIGKILL');
  await process.exited;
  await seed.run('ip link del eth0');
  replacement = await lab.host('replacement');
  await lab.connect(
    { host: replacement, name: 'eth0', addresses: ['192.0.2.10/24'] },
    { host: router, name: 'eth0', addresses: ['192.0.2.1/24'] },
  );
  await replacement.run('ip route add default via 192.0.2.1');
  replacement.write('/etc/resolv.conf', 'nameserver 192.0.2.1\n', 0o644);
  replacement.write(BACKUP, seed.read(BACKUP));
  replacement.write(KIT, seed.read(KIT));
  const { stdout } = await replacement.run([PCLOUD, 'admin', 'restore', BACKUP, '--kit', KIT]);
  assert.match(stdout, 'whom you removed or disabled since');
  ({ process } = await startSeed({ seed: replacement }, URL_ARGUMENTS));
});

test('a device is back without a new login, at its address, and reaches the server at its own', async () => {
  await waitFor('the first to be back', async () => (await status(first)).coordinator.connected, LIMIT_MS);
  // The map is the restored one: what came after the backup is not in it.
  await waitFor('the restored map', async () => (await status(first)).self.name === 'first', LIMIT_MS);
  assert.equal((await status(first)).self, before.self);
  const { addresses } = (await status(replacement)).self;
  assert.is(addresses[0], '10.0.0.1');
  await waitFor('an answer', async () => (await ping(first, addresses[0]!)).received > 0, LIMIT_MS);
});

test('who was revoked before the backup is not let in again', async () => {
  await waitFor('the third to be refused', () => isRefused(third), LIMIT_MS);
  assert.not.match((await replacement.run([PCLOUD, 'nodes', 'list'])).stdout, 'third');
});

test('who was revoked after it is nobody to the devices that know, and an owner’s tells the server again', async () => {
  assert.equal(
    (await status(first)).peers.map(({ name }) => name),
    ['seed'],
  );
  const isListed = async (): Promise<boolean> =>
    (await replacement.run([PCLOUD, 'nodes', 'list'])).stdout.includes('second');
  await waitFor('the server to be told', async () => !(await isListed()), LIMIT_MS);
  await waitFor('the second to be refused', () => isRefused(second), LIMIT_MS);
});

test('the audit log has what was done before the backup, and since', async () => {
  const { stdout } = await replacement.run([PCLOUD, 'audit', 'list', '--json']);
  const entries = JSON.parse(stdout) as { action: string; who: string }[];
  const actions = entries.map(({ action }) => action);
  assert.not.ok(actions.includes('nodes.rename'));
  assert.is(entries.find(({ action }) => action === 'nodes.revoke')!.who, 'ada on first');
  for (const action of ['backup.restore', 'backup.create']) assert.ok(actions.includes(action), action);
  assert.is(actions.filter((action) => action === 'nodes.revoke').length, 2);
});

async function isRefused(host: Host): Promise<boolean> {
  const { stdout } = await host.run([PCLOUD, 'status', '--json']);
  return JSON.parse(stdout).coordinator.problem?.message.includes('NODE_REMOVED') === true;
}

test.after(async () => {
  await process?.stop('SIGINT', 10_000);
  await lab.close();
});

test.run();
