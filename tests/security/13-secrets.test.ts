/** What a seed and a client of it show of their secrets while they run, to everybody and to who asks: nothing. */

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createMeshNetwork, type MeshNetwork, PCLOUD, type Ready, STATE_DIR, startSeed } from '../e2e/lib/network.ts';
import { type Host, type LabProcess, waitFor } from '../lab/index.ts';

const PASSWORD = 'a password of many words';
const LINK = '/run/link';
const SEED_LOG = '/run/pcloud/seed.log';

let network: MeshNetwork;
let seed: LabProcess;
let ready: Ready;
let client: Host;
/** By what they are. */
const secrets = new Map<string, Buffer>();

/** In every form that a program might write them in. */
function formsOf(secret: Buffer): string[] {
  return ['latin1', 'base64', 'base64url', 'hex'].map((encoding) => secret.toString(encoding as 'hex'));
}

function assertNone(what: string, content: string): void {
  for (const [name, secret] of secrets) {
    for (const form of formsOf(secret)) assert.not.ok(content.includes(form), `${name} in ${what}`);
  }
}

/** Command lines and environments of all processes of a host. */
async function processesOf(host: Host): Promise<string> {
  const { stdout } = await host.run("cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr '\\0' '\\n'", { check: false });
  return stdout;
}

const json = async (host: Host, line: string): Promise<string> => (await host.run(`${PCLOUD} ${line} --json`)).stdout;

function keepKeys(host: Host, names: readonly string[]): void {
  for (const name of names) {
    const text = host.read(`${STATE_DIR}/${name}`).trim();
    secrets.set(`${name} of ${host.name}`, Buffer.from(text, 'base64'));
  }
}

test.before(async () => {
  network = await createMeshNetwork();
  client = network.clients[0]!;
  await network.seed.run('mkdir -p /run/pcloud');
  const program = ['sh', '-c', `exec ${PCLOUD} seed --log-level verbose "$@" 2>${SEED_LOG}`, 'seed'];
  ({ process: seed, ready } = await startSeed(network, [], program));
  secrets.set('token', Buffer.from(new URLSearchParams(new URL(ready.joinLink).hash.slice(1)).get('t')!));
  secrets.set('admin link', Buffer.from(new URL(ready.adminUrl!).pathname.split('/').at(-1)!));
  secrets.set('password', Buffer.from(PASSWORD));
  keepKeys(network.seed, ['machine.key', 'node.key', 'coordinator/root.key', 'coordinator/channel.key']);
});
test.after(() => network?.lab.close());

test('class 13: a join link that comes by standard input is on no command line while the device joins', async () => {
  client.write(LINK, ready.joinLink, 0o600);
  const joining = client.spawn(`exec ${PCLOUD} up - --log-level verbose <${LINK}`);
  let looks = 0;
  while (joining.isRunning) {
    assertNone('processes of the client', await processesOf(client));
    looks += 1;
  }
  assert.is((await joining.exited).code, 0, joining.output());
  assert.ok(looks > 0);
  keepKeys(client, ['machine.key', 'node.key']);
});

test('class 13: no secret is in processes, logs, lists, status or what a bundle gathers', async () => {
  const { seed: server } = network;
  await server.run(`printf '%s\\n' '${PASSWORD}' >/run/password`);
  await server.run(`${PCLOUD} users add --owner ada </run/password`);
  await server.run('rm /run/password');
  await server.run(`${PCLOUD} invite`);
  await waitFor('the client to know the seed', async () => /"online":true/.test(await json(client, 'status')), 20_000);
  for (const host of [server, client]) {
    assertNone(`processes of ${host.name}`, await processesOf(host));
    assertNone(`status of ${host.name}`, await json(host, 'status'));
    await host.run(`${PCLOUD} debug bundle -o /run/bundle.tar.gz`);
    const bundle = readFileSync(`/proc/${host.pid}/root/run/bundle.tar.gz`);
    const gathered = gunzipSync(bundle).toString('latin1');
    assert.match(gathered, 'status.json');
    assertNone(`the bundle of ${host.name}`, gathered);
  }
  for (const line of ['nodes list', 'users list', 'tokens list', 'debug counters']) {
    assertNone(line, await json(server, line));
  }
  const log = server.read(SEED_LOG);
  assert.match(log, 'the network is open');
  assertNone('the log of the seed', log);
  assertNone('the log of the client', client.read('/run/pcloud/daemon.log'));
  const { code, stdout, stderr } = await client.run(`${PCLOUD} up - --json <${LINK}`, { check: false });
  assertNone('what a second use of the link says', `${code} ${stdout} ${stderr}`);
});

test('class 6, 7: files are of root alone, or in directories of root alone, but for the socket that tells who asks', async () => {
  const found = async (host: Host, what: string): Promise<string[]> =>
    (await host.run(`find ${what} -printf '%m %p\\n'`)).stdout
      .trim()
      .split('\n')
      .filter((line) => line !== '');
  for (const host of [network.seed, client]) {
    const open = await found(host, `/run/pcloud -path ${STATE_DIR} -prune -o -perm /077 ! -type d`);
    assert.equal(
      open.filter((line) => !line.endsWith(SEED_LOG)),
      ['666 /run/pcloud/daemon.sock'],
      host.name,
    );
    assert.equal(await found(host, `${STATE_DIR} -type d ! -perm 700`), [], host.name);
    const inStore = `${STATE_DIR}/coordinator/store`;
    assert.equal(await found(host, `${STATE_DIR} -path ${inStore} -prune -o -type f -perm /077`), [], host.name);
  }
});

test('class 13: tokens, passwords and the admin link are in the store as hashes alone', async () => {
  const { stdout } = await network.seed.run(`cat ${STATE_DIR}/coordinator/store/*`, { encoding: 'latin1' } as never);
  for (const name of ['token', 'password', 'admin link']) {
    for (const form of formsOf(secrets.get(name)!)) assert.not.ok(stdout.includes(form), name);
  }
});

test('class 15: nothing listens but the tunnel, names, the coordinator, and its console inside', async () => {
  const listening = async (host: Host): Promise<string[]> => {
    const { stdout } = await host.run('ss -Hlntu');
    const places = stdout
      .trim()
      .split('\n')
      .map((line) => line.split(/\s+/));
    return places.map(([protocol, , , , place]) => `${protocol} ${place}`).sort();
  };
  const kinds = async (host: Host): Promise<string[]> =>
    [
      ...new Set(
        (await listening(host)).map((place) =>
          place.replace(/\[fd[0-9a-f:]+\]/, 'MESH6').replace(/\b10\.0\.0\.\d+(?:%\w+)?/, 'MESH4'),
        ),
      ),
    ].sort();
  assert.equal(
    (await kinds(network.seed)).filter((place) => !/:51820$/.test(place)),
    [
      'tcp *:443',
      'tcp *:8443',
      'tcp 127.0.0.1:8444',
      'tcp MESH4:53',
      'tcp MESH4:8444',
      'tcp MESH6:53',
      'tcp MESH6:8444',
      'udp MESH4:53',
      'udp MESH6:53',
    ],
  );
  const { interface: own } = JSON.parse(await json(client, 'status')) as { interface: { port: number } };
  assert.equal(
    (await kinds(client)).filter((place) => !place.endsWith(`:${own.port}`)),
    ['tcp MESH4:53', 'tcp MESH6:53', 'udp MESH4:53', 'udp MESH6:53'],
  );
  assert.ok(seed.isRunning);
});

test.run();
