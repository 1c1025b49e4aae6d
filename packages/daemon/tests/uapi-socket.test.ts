import { mkdtempSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { silentLogger } from '../src/log.ts';
import { readStatus, serveStatus } from '../src/status-socket.ts';
import { createFakeClock } from '../src/testing/fake-clock.ts';
import { createMemoryNetwork } from '../src/testing/memory-bind.ts';
import { createMemoryHands } from '../src/testing/memory-hands.ts';
import { createTunnel, type Tunnel } from '../src/tunnel.ts';
import { serveUapi } from '../src/uapi-socket.ts';

const PRIVATE_KEY = `a0${'11'.repeat(30)}51`;
const PEER_KEY = '22'.repeat(32);

interface Served {
  readonly tunnel: Tunnel;
  readonly path: string;
  readonly directory: string;
  close(): void;
}

async function serve(): Promise<Served> {
  const directory = mkdtempSync(join(tmpdir(), 'uapi-'));
  const hands = createMemoryHands(createMemoryNetwork().createBind('192.0.2.1'), createFakeClock());
  const tunnel = createTunnel({
    hands,
    stamps: { load: () => undefined, save() {} },
    readNames: async () => new Map(),
    resolve: async () => [],
    log: silentLogger,
    version: '0',
    handleGone() {},
  });
  const uapi = await serveUapi({ directory, name: 'mem0' }, tunnel.uapi);
  const status = await serveStatus(directory, 'mem0', () => tunnel.describe());
  return {
    tunnel,
    directory,
    path: uapi.path,
    close() {
      uapi.close();
      status.close();
      tunnel.close();
    },
  };
}

/** Sends, ends its half, and reads to the end. */
function ask(path: string, ...pieces: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path, allowHalfOpen: true });
    collect(socket, resolve);
    socket.once('error', reject);
    for (const piece of pieces) socket.write(piece);
    socket.end();
  });
}

function collect(socket: Socket, done: (text: string) => void): void {
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString();
  });
  socket.once('close', () => done(text));
}

test('set and get are answered as wg expects them', async () => {
  const { path, close } = await serve();
  assert.is(
    await ask(path, `set=1\nprivate_key=${PRIVATE_KEY}\nlisten_port=7000\npublic_key=${PEER_KEY}\n\n`),
    'errno=0\n\n',
  );
  const answer = await ask(path, 'get=1\n\n');
  assert.match(answer, /^private_key=[0-9a-f]{64}\nlisten_port=7000\npublic_key=22/);
  assert.match(answer, /\nerrno=0\n\n$/);
  close();
});

test('several operations on one connection are answered in order', async () => {
  const { path, close } = await serve();
  const answer = await ask(path, 'set=1\nlisten_port=1\n\nget=1\n', '\nset=1\nlisten_port=70000\n\nget=1\n\n');
  assert.is(answer, 'errno=0\n\nlisten_port=1\nerrno=0\n\nerrno=-22\n\nlisten_port=1\nerrno=0\n\n');
  close();
});

test('a set that ends with its connection is done', async () => {
  const { path, close } = await serve();
  assert.is(await ask(path, 'set=1\nlisten_port=12'), 'errno=0\n\n');
  assert.is(await ask(path, 'get=1\n\n'), 'listen_port=12\nerrno=0\n\n');
  close();
});

test('many connections at once are all answered', async () => {
  const { path, close } = await serve();
  await ask(path, `set=1\npublic_key=${PEER_KEY}\n\n`);
  const answers = await Promise.all(Array.from({ length: 50 }, () => ask(path, 'get=1\n\n')));
  assert.is(new Set(answers).size, 1);
  assert.match(answers[0]!, `public_key=${PEER_KEY}`);
  close();
});

test('a client that breaks off in the middle of a set holds nobody up', async () => {
  const { path, close } = await serve();
  const broken = connect(path);
  broken.write('set=1\nlisten_port=5\n');
  await new Promise((resolve) => setTimeout(resolve, 30));
  broken.destroy();
  assert.is(await ask(path, 'get=1\n\n'), 'listen_port=5\nerrno=0\n\n');
  close();
});

test('a client that does not read its answer holds nobody up', async () => {
  const { path, close } = await serve();
  const peers = Array.from({ length: 2_000 }, (_, i) => `public_key=${(i + 1).toString(16).padStart(64, '0')}\n`);
  await ask(path, `set=1\n${peers.join('')}\n`);
  const deaf = connect(path);
  deaf.pause();
  deaf.write('get=1\n\n');
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.match(await ask(path, 'get=1\n\n'), /errno=0\n\n$/);
  deaf.destroy();
  close();
});

test('what is no operation ends the connection without an answer', async () => {
  const { path, close } = await serve();
  assert.is(await ask(path, 'status=1\n\n'), '');
  assert.is(await ask(path, 'GET / HTTP/1.1\r\n\r\n'), '');
  assert.is(await ask(path, 'get=1\n\n'), 'errno=0\n\n');
  close();
});

test('status is served beside it', async () => {
  const { directory, path, close } = await serve();
  await ask(path, `set=1\nprivate_key=${PRIVATE_KEY}\npublic_key=${PEER_KEY}\nallowed_ip=10.0.0.0/8\n\n`);
  const status = await readStatus(directory, 'mem0');
  assert.is(status.interface, 'mem0');
  assert.equal(
    status.peers.map((peer) => [peer.reason, peer.allowedIps]),
    [['down', ['10.0.0.0/8']]],
  );
  assert.not.match(JSON.stringify(status), PRIVATE_KEY);
  close();
  const error = await readStatus(directory, 'mem0').catch((thrown) => thrown);
  assert.is(error.code, 'ENOENT');
});

test('a process that does not answer for its status is not waited for for ever', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'uapi-'));
  const mute = createServer(() => {}).listen(join(directory, 'mem0.status.sock'));
  const error = await readStatus(directory, 'mem0', 20).catch((thrown) => thrown);
  assert.match(error.message, 'no answer within 20 ms');
  mute.close();
});

test.run();
