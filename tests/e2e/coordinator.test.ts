/** `pcloud coordinator` by itself, on a machine that is no node of its network. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Host, waitFor, waitForPing } from '../lab/index.ts';
import { createMeshNetwork, PCLOUD, status, up } from './lib/network.ts';
import { keepRunning } from './lib/service.ts';

const { lab, seed: server, clients } = await createMeshNetwork();
const [first, second] = clients as [Host, Host];
const service = keepRunning(server, [PCLOUD, 'coordinator', '--json']);
const BACK_LIMIT_MS = 45_000;

const isReady = () => service.process.stdout().includes('"event":"ready"');
const isConnected = async (host: Host) => (await status(host)).coordinator.connected;

async function invite(): Promise<string> {
  const { stdout } = await server.run([PCLOUD, 'invite', '--json']);
  return (JSON.parse(stdout) as { link: string }).link;
}

test('it starts a network of its own, and prints no link', async () => {
  await waitFor('it to be ready', isReady, 30_000, service.output);
  const line = service.process
    .stdout()
    .split('\n')
    .find((each) => each.includes('"ready"'));
  const ready = JSON.parse(line!) as Record<string, unknown>;
  assert.equal(Object.keys(ready), ['event', 'networkId', 'urls']);
  assert.not.match((await server.run('ip -o link')).stdout, 'pcloud0');
});

test('devices that root invites there join and reach each other', async () => {
  await server.run([PCLOUD, 'users', 'add', '--owner', 'ada'], { input: 'correct horse battery\n' });
  for (const host of [first, second]) await up(host, await invite());
  await waitForPing(first, '10.0.0.2');
  await waitForPing(second, '10.0.0.1');
  assert.equal(
    (await status(first)).peers.map(({ name }) => name),
    ['second'],
  );
});

test('a second one with the same state is refused in words, and does the first no harm', async () => {
  const { code, stderr } = await server.run([PCLOUD, 'coordinator', '--listen', '127.0.0.1:9443'], { check: false });
  assert.is(code, 1);
  assert.match(stderr, /has ".*coordinator" open already; stop it first/);
  assert.ok(await isConnected(first));
});

test('killed again and again it comes back with all it had, and nothing on the tunnel notices', async () => {
  const pings = first.spawn(['ping', '-n', '-i', '0.1', '10.0.0.2']);
  for (let round = 0; round < 3; round++) {
    await service.signal('SIGKILL');
    const starts = service.starts;
    await waitFor('it to be started again', () => service.starts > starts && isReady(), BACK_LIMIT_MS, service.output);
    for (const host of [first, second]) {
      await waitFor(`${host.name} to be back`, () => isConnected(host), BACK_LIMIT_MS, service.output);
    }
  }
  await pings.stop('SIGINT');
  const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(pings.stdout())!;
  assert.ok(Number(sent) > 20 && Number(sent) - Number(received) <= 1, pings.stdout().slice(-300));
  const { stdout } = await server.run([PCLOUD, 'nodes', 'list', '--json']);
  assert.equal((JSON.parse(stdout) as { name: string }[]).map(({ name }) => name).sort(), ['first', 'second']);
});

test('SIGTERM ends it, and leaves no socket behind', async () => {
  await service.stop('SIGTERM');
  assert.is((await service.process.exited).code, 0, service.output());
  assert.not.match((await server.run('ls /run/pcloud')).stdout, 'coordinator.sock');
});

test.after(() => lab.close());
test.run();
