/**
 * The mesh interface in a real kernel: a home whose LAN has the network's own range, behind a router that
 * translates, and two hosts outside.
 *
 *     home 10.0.0.77 ──┐
 *                      lan 10.0.0.0/24 ── 10.0.0.1 router 203.0.113.254 ──┐
 *     nas  10.0.0.9  ──┘                                                  wan 203.0.113.0/24
 *                        seed 203.0.113.1 (node 1) ── node3 203.0.113.3 ──┘
 */
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createLab, type Host, type Lab, type LabProcess, translate, waitFor } from '../../../tests/lab/index.ts';
import { askDaemon } from '../src/mesh/api/client.ts';
import type { MeshStatus } from '../src/mesh/status.ts';
import { address6 } from '../src/testing/fake-control.ts';

// Hosts of a lab run in the root directory, where no package is found by its name alone.
const PROGRAM = [
  process.execPath,
  '-C',
  'source',
  '--import',
  import.meta.resolve('tsx'),
  fileURLToPath(new URL('./mesh-host.ts', import.meta.url)),
];

const MAP_FILE = '/run/pcloud/state/map.json';

interface World {
  readonly lab: Lab;
  readonly home: Host;
  readonly seed: Host;
  readonly node3: Host;
  readonly nas: Host;
  readonly target: string;
  readonly control: LabProcess;
}

async function createWorld(): Promise<World> {
  const lab = createLab();
  const [home, nas, seed, node3] = await Promise.all(['home', 'nas', 'seed', 'node3'].map((name) => lab.host(name)));
  const router = await lab.router('router');
  await lab.lan('lan', [
    { host: home!, name: 'eth0', addresses: ['10.0.0.77/24'] },
    { host: nas!, name: 'eth0', addresses: ['10.0.0.9/24'] },
    { host: router, name: 'lan', addresses: ['10.0.0.1/24'] },
  ]);
  await lab.lan('wan', [
    { host: router, name: 'wan', addresses: ['203.0.113.254/24'] },
    { host: seed!, name: 'eth0', addresses: ['203.0.113.1/24'] },
    { host: node3!, name: 'eth0', addresses: ['203.0.113.3/24'] },
  ]);
  await translate(router, { outside: 'wan' });
  await home!.run(['ip', 'route', 'add', 'default', 'via', '10.0.0.1']);
  const control = seed!.spawn([...PROGRAM, 'control', '203.0.113.1', '8443']);
  const target = await firstLine(control);
  return { lab, home: home!, nas: nas!, seed: seed!, node3: node3!, target, control };
}

function firstLine(process: LabProcess): Promise<string> {
  const line = (): string | undefined => process.stdout().split('\n').slice(0, -1)[0];
  return waitFor('a first line', line, 20_000, () => process.output());
}

async function start(host: Host, name: string, port: number, target?: string): Promise<LabProcess> {
  const daemon = host.spawn([...PROGRAM, 'daemon', name, `${port}`, ...(target === undefined ? [] : [target])]);
  await firstLine(daemon);
  return daemon;
}

async function statusOf(host: Host): Promise<MeshStatus> {
  const directory = `/proc/${host.pid}/root/run/pcloud`;
  return (await askDaemon(directory, { method: 'GET', path: '/status' })) as MeshStatus;
}

const routeTo = async (host: Host, address: string): Promise<string> =>
  (await host.run(['ip', 'route', 'get', address])).stdout;
const indexOf = async (host: Host): Promise<string> =>
  (await host.run(['cat', '/sys/class/net/pcloud0/ifindex'])).stdout;
const ping = (host: Host, address: string): Promise<unknown> =>
  host.run(['ping', '-c', '1', '-W', '5', address], { timeoutMs: 10_000 });
const routesOf = async (host: Host): Promise<string> =>
  (await host.run('ip -4 route; ip -6 route; ip rule; ip -br address | tr -s " " | sed s/UNKNOWN/UP/')).stdout;

let world: World;
let daemons: Record<'home' | 'seed' | 'node3', LabProcess>;
let before: string;

test.before(async () => {
  world = await createWorld();
  const { home, seed, node3, target } = world;
  before = await routesOf(home);
  daemons = {
    seed: await start(seed, 'n-1', 51_820, target),
    node3: await start(node3, 'n-3', 0, target),
    home: await start(home, 'n-2', 0, target),
  };
});
test.after(() => world?.lab.close());

test('on a LAN of the same range the gateway and the LAN stay, other nodes are reached, and IPv6 reaches all', async () => {
  const { home } = world;
  assert.match(daemons.home.stdout(), '"kind":"joined"');
  assert.match(await routeTo(home, '10.0.0.1'), 'dev eth0');
  assert.match(await routeTo(home, '10.0.0.9'), 'dev eth0');
  assert.match(await routeTo(home, '10.0.0.3'), 'dev pcloud0 src 10.0.0.2');
  await ping(home, '10.0.0.9');
  await ping(home, '203.0.113.1');
  await ping(home, '10.0.0.3');
  await ping(home, address6(3));
  await ping(home, address6(1));
  const { conflict, peers, coordinator } = await statusOf(home);
  assert.equal(conflict?.overlaps, ['10.0.0.0/24']);
  assert.equal(conflict?.unreachable, ['10.0.0.1']);
  assert.ok(coordinator.connected);
  assert.equal(
    peers.map(({ name, path, endpoint }) => [name, path, endpoint?.split(':')[0]]),
    [
      ['n-1', 'direct', '203.0.113.1'],
      ['n-3', 'direct', '203.0.113.3'],
    ],
  );
});

test('where nothing overlaps, the whole range leads into the mesh', async () => {
  const { node3 } = world;
  assert.match(await routeTo(node3, '10.0.0.1'), 'dev pcloud0 src 10.0.0.3');
  assert.match(await routeTo(node3, '10.0.200.200'), 'dev pcloud0');
  assert.is((await statusOf(node3)).conflict, null);
  await ping(node3, '10.0.0.1');
  await ping(node3, '10.0.0.2');
  assert.match((await node3.run(['ip', 'link', 'show', 'pcloud0'])).stdout, 'mtu 1280');
});

test('root alone may change something, others may look', async () => {
  const { node3 } = world;
  const ask = (user: number, request: string): Promise<{ code: number; stdout: string }> =>
    node3.run(
      `setpriv --reuid=${user} --clear-groups node -e '
        const [method, path] = "${request}".split(" ");
        require("http").request({ socketPath: "/run/pcloud/daemon.sock", method, path }, (r) => {
          console.log(r.statusCode); r.resume();
        }).end();'`,
    );
  assert.is((await ask(65_534, 'GET /status')).stdout.trim(), '200');
  assert.is((await ask(65_534, 'POST /down')).stdout.trim(), '403');
  assert.is((await ask(65_534, 'POST /operation')).stdout.trim(), '403');
  assert.is((await ask(0, 'POST /nothing')).stdout.trim(), '404');
  assert.is((await statusOf(node3)).state, 'up');
});

test('the ping of the local API goes through the tunnel', async () => {
  const directory = `/proc/${world.home.pid}/root/run/pcloud`;
  const answer = await askDaemon(directory, { method: 'POST', path: '/ping', input: { node: 'n-1' } });
  const { address, latencyMs, path } = answer as { address: string; latencyMs: number; path: string };
  assert.is(address, address6(1), 'the gateway has its IPv4 address');
  assert.ok(latencyMs > 0 && latencyMs < 1_000);
  assert.is(path, 'direct');
});

test('a daemon that is killed leaves the interface, and the next one takes it over with no coordinator there', async () => {
  const { node3, control } = world;
  const index = await indexOf(node3);
  const kept = await routesOf(node3);
  await waitFor('the endpoints that work to be on disk', () => /"n2":/.test(node3.read(MAP_FILE).split('\n')[2] ?? ''));
  await daemons.node3.stop('SIGKILL');
  assert.is(await indexOf(node3), index);
  assert.match((await node3.run('ip -4 route')).stdout, '10.0.0.0/16 dev pcloud0');
  await control.stop('SIGKILL');
  daemons.node3 = await start(node3, 'n-3', 0);
  await ping(node3, '10.0.0.1');
  assert.is(await indexOf(node3), index, 'the same interface');
  assert.is(await routesOf(node3), kept);
  assert.not((await statusOf(node3)).coordinator.connected);
  await ping(world.home, '10.0.0.3');
});

test('a second daemon with the same state is refused, and does the first no harm', async () => {
  const { node3 } = world;
  const second = node3.spawn([...PROGRAM, 'daemon', 'n-3', '0']);
  assert.is((await second.exited).code, 1);
  await waitFor('the error', () => second.output().includes('ALREADY_RUNNING'));
  assert.match(second.output(), 'stop it first');
  await ping(node3, '10.0.0.1');
});

test('a stop that asks for it leaves the machine as it was found', async () => {
  const { home } = world;
  assert.is.not(await routesOf(home), before);
  await daemons.home.stop('SIGINT', 10_000);
  assert.is(await routesOf(home), before);
  assert.not((await home.run('ls /sys/class/net')).stdout.includes('pcloud0'));
});

test.run();
