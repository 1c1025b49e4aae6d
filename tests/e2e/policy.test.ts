/** Policies on real devices: who appears in whose map, which ports are let in, and what a change cuts. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Host, ping, waitFor, waitForPing } from '../lab/index.ts';
import { serveEcho, talkTo, untilListening } from './lib/echo.ts';
import { createMeshNetwork, PCLOUD, startSeed, status, up } from './lib/network.ts';

const network = await createMeshNetwork();
const { lab, seed, clients } = network;
const [first, second] = clients as [Host, Host];
const [ADA, BOB] = ['10.0.0.2', '10.0.0.3'];
/** In force on every device that is connected; the rest is room for a busy machine. */
const LIMIT_MS = 2_000 + 2_000;

const run = (...words: readonly string[]) => seed.run([PCLOUD, ...words]);
const setPolicy = (text: string) => seed.run([PCLOUD, 'policy', 'set', '-'], { input: text });

async function connects(from: Host, to: string, port: number): Promise<boolean> {
  const command = ['bash', '-c', `exec 3<>/dev/tcp/${to}/${port}`];
  const { code } = await from.run(['timeout', '2', ...command], { check: false });
  return code === 0;
}

async function listen(host: Host, port: number): Promise<void> {
  const server = host.spawn(['python3', '-m', 'http.server', `${port}`, '--bind', '0.0.0.0']);
  await untilListening(host, port);
  assert.ok(server.isRunning);
}

test('in a network without a policy everybody reaches everybody', async () => {
  await startSeed(network);
  for (const [name, ...role] of [['ada', '--owner'], ['bob']] as const) {
    await seed.run([PCLOUD, 'users', 'add', ...role, name!], { input: 'correct horse battery\n' });
  }
  const { stdout: forAda } = await run('invite', '--user', 'ada');
  const { stdout: forBob } = await run('invite', '--user', 'bob');
  await up(first, forAda.trim());
  await up(second, forBob.trim());
  await waitForPing(first, BOB);
  await waitForPing(second, '10.0.0.1');
});

test('the policy to start from takes devices of other users out of sight, and leaves servers their ports', async () => {
  await listen(seed, 80);
  await listen(seed, 9000);
  const { stdout } = await run('policy', 'get');
  await setPolicy(stdout);
  const names = async (host: Host) => (await status(host)).peers.map(({ name }) => name);
  await waitFor('the policy', async () => (await names(first)).join() === 'seed', LIMIT_MS);
  assert.equal(await names(second), ['seed']);
  assert.is((await ping(first, BOB)).received, 0);
  await waitForPing(second, '10.0.0.1');
  assert.ok(await connects(second, '10.0.0.1', 80), 'a published port');
  assert.not.ok(await connects(second, '10.0.0.1', 9000), 'another port');
});

test('a rule lets in one port, in one direction', async () => {
  await setPolicy('{ "rules": [{ "src": ["ada"], "dst": ["bob:7000"], "proto": "tcp" }] }');
  await serveEcho(second);
  await waitFor('the rule', () => connects(first, BOB, 7000), 10_000);
  assert.is((await ping(first, BOB)).received, 0);
  assert.is((await ping(second, ADA)).received, 0);
  const { stdout } = await run('policy', 'trace', 'first', 'second:7000');
  assert.match(stdout, 'allowed by rules[0]');
});

test('a change cuts what it no longer allows within two seconds, and leaves other flows alone', async () => {
  const answers = await talkTo(first, BOB);
  const pings = first.spawn(['ping', '-i', '0.1', '10.0.0.1']);
  const askedAt = Date.now();
  await setPolicy('{ "rules": [] }');
  await waitFor('silence', () => Date.now() - answers().at(-1)! > 3_000, 15_000);
  const afterMs = answers().at(-1)! - askedAt;
  console.log(`cut ${afterMs} ms after the policy was asked for`);
  assert.ok(afterMs < LIMIT_MS, `${afterMs} ms`);
  await pings.stop('SIGINT');
  const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(pings.stdout())!;
  assert.ok(Number(sent) > 20 && Number(sent) - Number(received) <= 1, pings.stdout().slice(-200));
});

test('a policy that denies all leaves what undoes it', async () => {
  const { stdout } = await first.run([PCLOUD, 'policy', 'get', '--json']);
  assert.match(stdout, '"isDefault":false');
  await first.run([PCLOUD, 'policy', 'set', '-'], { input: '{ "rules": [{ "src": ["*"], "dst": ["*:*"] }] }' });
  await waitForPing(first, BOB, 10_000);
});

test('a policy that cannot be read is refused with the place of its fault, and the old one stays', async () => {
  const { code, stderr } = await seed.run([PCLOUD, 'policy', 'set', '-'], {
    input: '{ "rules": [{ "src": ["group:none"], "dst": ["*:*"] }] }',
    check: false,
  });
  assert.is(code, 1);
  assert.match(stderr, /^line 1, column \d+, rules\[0\]\.src\[0\]: /m);
  assert.is((await ping(first, BOB)).received, 1);
});

test.after(() => lab.close());
test.run();
