/** A network as its owner makes it: a seed, a device that joins by link, one that is let in, across a router. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createNobleCrypto } from '@pcloud/wireguard';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { capture, type Host, type LabProcess, ping, waitFor, waitForPing } from '../lab/index.ts';
import { openBrowser } from './lib/browser.ts';
import { createMeshNetwork, PCLOUD, type Ready, startSeed, status, up } from './lib/network.ts';

const START = fileURLToPath(new URL('../../scripts/start', import.meta.url));
const OWNER = { name: 'ada', password: 'a long enough password of hers' };

const network = await createMeshNetwork();
const { lab, router, seed, clients } = network;
const [first, second] = clients as [Host, Host];
const captured = await Promise.all(['eth0', 'eth1', 'eth2'].map((name) => capture(lab, router, name)));
let ready: Ready;
let seedProcess: LabProcess;

/** The content of every file below a directory. */
function readTree(directory: string): Buffer[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)));
}

/** Whether bytes are in one of these as they are, or in one of the texts that keys are written in. */
function holds(places: readonly Buffer[], bytes: Buffer): boolean {
  const texts = ['base64', 'base64url', 'hex'] as const;
  const forms = [bytes, ...texts.map((form) => Buffer.from(bytes.toString(form).replace(/=+$/, '')))];
  return places.some((place) => forms.some((form) => place.includes(form)));
}

async function own(host: Host, family: 4 | 6): Promise<string> {
  const { self } = await status(host);
  return self.addresses.find((address) => address.includes(':') === (family === 6))!;
}

test('scripts/start gives a seed at 10.0.0.1, an admin link and a join link', async () => {
  ({ ready, process: seedProcess } = await startSeed(network, [], [START]));
  assert.match((await seed.run('ip -o address show dev pcloud0')).stdout, / 10\.0\.0\.1\/32 /);
  assert.match(ready.adminUrl!, /^http:\/\/10\.0\.0\.1:\d+\/setup\/\S+$/);
  assert.match(ready.joinLink, /^https:\/\/192\.0\.2\.10:8443\/join#v=1&/);
});

test('a device joins by the link and pings within two seconds of asking', async () => {
  const startedAt = performance.now();
  const joined = await up(first, ready.joinLink);
  const joinedMs = performance.now() - startedAt;
  await waitForPing(first, '10.0.0.1', 5_000);
  const pingedMs = performance.now() - startedAt;
  console.log(`joined after ${joinedMs.toFixed(0)} ms, pinged after ${pingedMs.toFixed(0)} ms`);
  assert.is(joined.name, 'first');
  assert.is(joined.addresses[0], '10.0.0.2');
  assert.ok(pingedMs < 4_000, `pinging after ${pingedMs.toFixed(0)} ms`);
});

test('the first account is made through the admin link, from the device that joined', async () => {
  const { name, password } = OWNER;
  const page = await openBrowser(first).submit(ready.adminUrl!, { name, password, again: password });
  assert.is(page.status, 200, page.text);
  assert.match(page.text, name);
  assert.match(page.text, 'This device, <strong>first</strong>, is yours.');
  const { stdout } = await seed.run([PCLOUD, 'users', 'list', '--json']);
  assert.match(stdout, /"role":"owner"/);
});

test('the pages do not open from outside of the network', async () => {
  const { stdout } = await second.run('curl --silent --insecure https://192.0.2.10:8443/sign-in');
  assert.match(stdout, 'open only inside the network');
});

test('another device is let in by its code, which somebody who is signed in types', async () => {
  const { networkId } = ready;
  const asking = second.spawn([
    PCLOUD,
    'up',
    '--login-server',
    'https://192.0.2.10:8443',
    '--pin',
    networkId,
    '--json',
  ]);
  const line = await waitFor(
    'a code',
    () => /^\{"event":"pending".*\}$/m.exec(asking.stdout())?.[0],
    10_000,
    asking.output,
  );
  const { code, url } = JSON.parse(line) as { code: string; url: string };
  const browser = openBrowser(first);
  const signIn = new URL('/sign-in', url).href;
  await browser.submit(signIn, OWNER);
  const question = await browser.submit(url, { code });
  assert.match(question.text, 'second');
  const done = await browser.send(question, url, { decision: 'approve' });
  assert.match(done.text, 'let in');
  assert.is((await asking.exited).code, 0, asking.output());
  assert.match(asking.stdout(), /"name":"second","addresses":\["10\.0\.0\.3",/);
});

test('everybody reaches everybody by address and name, IPv4 and IPv6', async () => {
  for (const from of [seed, first, second]) {
    for (const to of [seed, first, second].filter((host) => host !== from)) {
      await waitForPing(from, await own(to, 4), 5_000);
      await waitForPing(from, await own(to, 6), 5_000);
      assert.is((await ping(from, `${to.name}.pcloud`)).received, 1, `${from.name} to ${to.name}.pcloud`);
      const { stdout } = await from.run(['getent', 'ahosts', `${to.name}.pcloud`]);
      assert.match(stdout, await own(to, 4));
      assert.match(stdout, await own(to, 6));
    }
  }
});

test('a service on a device answers the others by name, IPv4 and IPv6', async () => {
  first.write('/run/www/index.html', 'hello from first\n');
  const service = first.spawn(['python3', '-m', 'http.server', '8000', '--bind', '::', '--directory', '/run/www']);
  await waitFor(
    'the service',
    async () => (await first.run('ss -Hlnt sport = :8000')).stdout !== '',
    10_000,
    service.output,
  );
  for (const family of ['-4', '-6']) {
    const { stdout } = await second.run(['curl', '--silent', family, 'http://first.pcloud:8000/']);
    assert.is(stdout, 'hello from first\n');
  }
  await service.stop();
});

test('status says the same of all as they are', async () => {
  for (const host of [seed, first, second]) {
    const { coordinator, peers } = await status(host);
    assert.is(coordinator.connected, true, host.name);
    assert.is(peers.length, 2);
    for (const { name, online, path } of peers) {
      assert.ok(online && path === 'direct', `${host.name} of ${name}: ${online} ${path}`);
    }
  }
});

test('no private key has left its device, on the wire or to the disk of the coordinator', async () => {
  const marker = 'OUTSIDE-OF-THE-TUNNEL';
  await second.run(['bash', '-c', `printf ${marker} >/dev/udp/192.0.2.10/9`]);
  const isCaptured = () => [0, 2].every((index) => readFileSync(captured[index]!.file).includes(marker));
  await waitFor('all that passed the router to be captured', isCaptured);
  const captures = (await Promise.all(captured.map((one) => one.stop()))).map((file) => readFileSync(file));
  const disk = readTree(`/proc/${seed.pid}/root/run/pcloud`);
  for (const host of [first, second]) {
    for (const name of ['machine.key', 'node.key']) {
      const path = `/run/pcloud/state/${name}`;
      assert.is((await host.run(['stat', '--format', '%a', path])).stdout.trim(), '600');
      const secret = Buffer.from(host.read(path).trim(), 'base64');
      assert.is(secret.length, 32);
      assert.not.ok(holds([...captures, ...disk], secret), `${name} of ${host.name}`);
      const open = createNobleCrypto().publicKey(secret);
      assert.ok(holds(disk, Buffer.from(open)), `the scan finds the public half of ${name} of ${host.name}`);
    }
  }
});

test('a device that leaves is gone for the others, and its name is free', async () => {
  await second.run([PCLOUD, 'logout']);
  await waitFor('the others to know', async () => (await status(first)).peers.length === 1, 5_000);
  assert.is((await second.run('ip -o link')).stdout.includes('pcloud0'), false);
});

test('Ctrl-C ends the seed', async () => {
  await seedProcess.signal('SIGINT');
  assert.is((await seedProcess.exited).code, 0, seedProcess.output());
});

test.after(() => lab.close());
test.run();
