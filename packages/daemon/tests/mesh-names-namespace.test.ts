/**
 * Names in a real kernel, by what programs use: the C library, and a client of the tests.
 *
 *     seed 203.0.113.1 (n-1) ──┐
 *     node 203.0.113.2 (n-2) ──lan 203.0.113.0/24 ── dns 203.0.113.53
 */
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createLab, type Host, type Lab, type LabProcess, waitFor } from '../../../tests/lab/index.ts';
import { address6 } from '../src/testing/fake-control.ts';

const START = [process.execPath, '-C', 'source', '--import', import.meta.resolve('tsx')];
const MESH = [...START, fileURLToPath(new URL('./mesh-host.ts', import.meta.url))];
const NAMES = [...START, fileURLToPath(new URL('./mesh-names-host.ts', import.meta.url))];

const RESOLV_CONF = '/etc/resolv.conf';
const RECORD = '/run/pcloud/state/resolv-conf.json';
const ORIGINAL = '# by hand\nsearch example.com\nnameserver 203.0.113.53\noptions timeout:1 attempts:1';

let lab: Lab;
let seed: Host;
let node: Host;
let daemon: LabProcess;

function firstLine(process: LabProcess): Promise<string> {
  const line = (): string | undefined => process.stdout().split('\n').slice(0, -1)[0];
  return waitFor('a first line', line, 20_000, () => process.output());
}

async function start(host: Host, name: string, target?: string): Promise<LabProcess> {
  const started = host.spawn([...MESH, 'daemon', name, '0', ...(target === undefined ? [] : [target])]);
  await firstLine(started);
  return started;
}

const held = (): boolean => /^nameserver 10\.0\.0\.2\n/m.test(node.read(RESOLV_CONF));
const whenHeld = (): Promise<unknown> => waitFor('our resolver to be first', held, 10_000, () => daemon.output());

/** What the C library says; empty when it knows no such name. */
async function getent(database: string, name: string): Promise<string[]> {
  const { stdout } = await node.run(['getent', database, name], { check: false });
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(/\s+/g, ' ').trim());
}

const first = async (database: string, name: string): Promise<string | undefined> =>
  (await getent(database, name))[0]?.split(' ')[0];

test.before(async () => {
  lab = createLab();
  const dns = await lab.host('dns');
  [seed, node] = [await lab.host('seed'), await lab.host('node')];
  await lab.lan('lan', [
    { host: seed, name: 'eth0', addresses: ['203.0.113.1/24'] },
    { host: node, name: 'eth0', addresses: ['203.0.113.2/24'] },
    { host: dns, name: 'eth0', addresses: ['203.0.113.53/24'] },
  ]);
  for (const host of [seed, node]) host.write(RESOLV_CONF, ORIGINAL, 0o644);
  await firstLine(dns.spawn([...NAMES, 'serve', '203.0.113.53']));
  const target = await firstLine(seed.spawn([...MESH, 'control', '203.0.113.1', '8443']));
  await start(seed, 'n-1', target);
  daemon = await start(node, 'n-2', target);
  await whenHeld();
});
test.after(() => lab?.close());

test('programs find nodes by name, in IPv4 and IPv6, and names by address', async () => {
  assert.is(await first('ahostsv4', 'n-1.pcloud'), '10.0.0.1');
  assert.is(await first('ahostsv6', 'N-1.PCloud'), address6(1));
  assert.equal(await getent('hosts', '10.0.0.1'), ['10.0.0.1 n-1.pcloud']);
  assert.equal(await getent('hosts', address6(1)), [`${address6(1)} n-1.pcloud`]);
  assert.is(await first('ahostsv4', 'n-2.pcloud'), '10.0.0.2', 'its own');
  assert.equal(await getent('hosts', 'printer.pcloud'), []);
  await node.run(['ping', '-c', '1', '-W', '5', 'n-1.pcloud']);
});

test('programs find the rest of the world as before, with the search list they had', async () => {
  assert.is(await first('ahostsv4', 'www.example.com'), '192.0.2.80');
  assert.is(await first('ahostsv4', 'www'), '192.0.2.80');
  const overTcp = await node.run([...NAMES, 'ask', '10.0.0.2', 'www.example.com', 'tcp']);
  assert.is(overTcp.stdout.trim(), '192.0.2.80');
});

test('an outside name that points into the mesh leads nowhere', async () => {
  assert.equal(await getent('ahostsv4', 'evil.example.com'), []);
  assert.is((await node.run([...NAMES, 'ask', '203.0.113.53', 'evil.example.com'])).stdout.trim(), '10.0.0.1');
});

test('another node gets no answer, over UDP or TCP, and this one does', async () => {
  const ask = (host: Host, server: string, ...how: string[]) =>
    host.run([...NAMES, 'ask', server, 'n-1.pcloud', ...how], { check: false });
  for (const server of ['10.0.0.2', address6(2)])
    assert.is((await ask(node, server)).stdout.trim(), '10.0.0.1', server);
  await seed.run(['ping', '-c', '1', '-W', '5', '10.0.0.2']);
  for (const how of [[], ['tcp']]) assert.match((await ask(seed, '10.0.0.2', ...how)).stderr, 'no answer');
  assert.match((await ask(seed, address6(2))).stderr, 'no answer');
});

test('a DHCP client that writes resolv.conf anew is followed, and its file is what is put back', async () => {
  const renewed = 'nameserver 203.0.113.53\nsearch dhcp.example\n';
  await node.run(
    `printf '${renewed.replaceAll('\n', '\\n')}' > ${RESOLV_CONF}.dhcp && mv ${RESOLV_CONF}.dhcp ${RESOLV_CONF}`,
  );
  await whenHeld();
  assert.match(node.read(RESOLV_CONF), 'search dhcp.example');
  assert.is(await first('ahostsv4', 'n-1.pcloud'), '10.0.0.1');
  await daemon.stop('SIGTERM');
  assert.is(node.read(RESOLV_CONF), renewed);
  node.write(RESOLV_CONF, ORIGINAL, 0o644);
  daemon = await start(node, 'n-2');
  await whenHeld();
});

test('after kill -9 names of the world are found, and the next start and stop put the file back byte for byte', async () => {
  await daemon.stop('SIGKILL');
  assert.ok(held());
  assert.is(await first('ahostsv4', 'www.example.com'), '192.0.2.80', 'the next server is asked');
  daemon = await start(node, 'n-2');
  await whenHeld();
  assert.is(JSON.parse(node.read(RECORD)).text, ORIGINAL);
  assert.is(await first('ahostsv4', 'n-1.pcloud'), '10.0.0.1');
  await daemon.stop('SIGINT');
  assert.is(node.read(RESOLV_CONF), ORIGINAL);
  assert.is((await node.run('ls /etc | grep resolv')).stdout, 'resolv.conf\n', 'no other file stays');
});

test('after kill -9 a daemon that is refused leaves the file to the one that runs', async () => {
  daemon = await start(node, 'n-2');
  await whenHeld();
  const before = node.read(RESOLV_CONF);
  const second = node.spawn([...MESH, 'daemon', 'n-2', '0']);
  assert.is((await second.exited).code, 1);
  assert.is(node.read(RESOLV_CONF), before);
  await daemon.stop('SIGINT');
});

test('a resolv.conf that is mounted is written into, and put back', async () => {
  node.write('/run/mounted.conf', ORIGINAL, 0o644);
  await node.run(`mount --bind /run/mounted.conf ${RESOLV_CONF}`);
  daemon = await start(node, 'n-2');
  await whenHeld();
  assert.is(await first('ahostsv4', 'n-1.pcloud'), '10.0.0.1');
  assert.is(await first('ahostsv4', 'www.example.com'), '192.0.2.80');
  await daemon.stop('SIGINT');
  assert.is(node.read(RESOLV_CONF), ORIGINAL);
  await node.run(`umount ${RESOLV_CONF}`);
});

test('without a resolv.conf one is made, and gone afterwards', async () => {
  await node.run(['rm', RESOLV_CONF]);
  daemon = await start(node, 'n-2');
  await waitFor('the file', () => node.run(['test', '-e', RESOLV_CONF]));
  await whenHeld();
  assert.is(await first('ahostsv4', 'n-1.pcloud'), '10.0.0.1');
  await daemon.stop('SIGINT');
  assert.is((await node.run(['test', '-e', RESOLV_CONF], { check: false })).code, 1);
});

test.run();
