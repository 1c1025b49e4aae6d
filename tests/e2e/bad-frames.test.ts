/** A coordinator that is sent what is no TLS, no HTTP, no frame and no message, and too much of each, while a device works on. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { type JoinLink, NetmapError, parseJoinLink } from '@pcloud/netmap';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type WebSocket from 'ws';
import { type Host, waitFor, waitForPing } from '../lab/index.ts';
import {
  ask,
  type Counters,
  changingNothing as changingNothingOf,
  checkHonest,
  expectTurnedAway,
  turnedAway,
} from './lib/coordinator.ts';
import { createMeshNetwork, PCLOUD, startSeed, status, up } from './lib/network.ts';
import { closing, newKeys, openRawNode, openSocket, type RawKeys, type RawNode } from './lib/raw-node.ts';
import { openRelay } from './lib/relay.ts';

const network = await createMeshNetwork();
const { lab, seed } = network;
const [honest, stranger] = network.clients as [Host, Host];
const STRANGER = '203.0.113.10';
const { process: seedProcess, ready } = await startSeed(network);
await up(honest, ready.joinLink);
await waitForPing(honest, '10.0.0.1', 10_000);
const relay = await openRelay(stranger, '192.0.2.10', 8443);
const link = await newLink();
const member = newKeys();
await joined(member, link);

async function newLink(): Promise<JoinLink> {
  const parsed = parseJoinLink((await ask<{ link: string }>(seed, 'invite')).link);
  if (parsed instanceof NetmapError) throw parsed;
  return parsed;
}

/** A device that was let in, or is let in again. */
async function joined(keys: RawKeys, by: JoinLink = link): Promise<RawNode> {
  const node = await openRawNode(relay, by, keys);
  await node.hello();
  node.join(by.token);
  await node.next('welcome');
  return node;
}

const changingNothing = (act: (before: Counters) => Promise<void>) => changingNothingOf(seed, honest, act);

/** Frames of a device that was let in, or of one that was only challenged, which end its channel. */
const FRAMES: readonly (readonly [title: string, key: string, send: (node: RawNode) => void])[] = [
  [
    'altered',
    'UNAUTHENTIC',
    (node) => {
      const frame = node.seal('{"kind":"ping","id":1}');
      frame[3]! ^= 1;
      node.sendFrame(frame);
    },
  ],
  [
    'sent twice',
    'UNAUTHENTIC',
    (node) => {
      const frame = node.seal('{"kind":"ping","id":1}');
      node.sendFrame(frame);
      node.sendFrame(frame);
    },
  ],
  [
    'out of order',
    'UNAUTHENTIC',
    (node) => {
      const first = node.seal('{"kind":"ping","id":1}');
      node.sendFrame(node.seal('{"kind":"ping","id":2}'));
      node.sendFrame(first);
    },
  ],
  ['empty', 'MALFORMED', (node) => node.sendFrame(new Uint8Array(0))],
  ['no JSON', 'MALFORMED', (node) => node.sendFrame(node.seal('{"kind":'))],
  ['no message', 'MALFORMED', (node) => node.sendFrame(node.seal('{"kind":"reboot"}'))],
  [
    'with a field too long',
    'MALFORMED',
    (node) => node.say({ kind: 'endpoints', endpoints: Array<string>(33).fill('192.0.2.1:1') }),
  ],
  ['of another turn', 'OUT_OF_TURN', (node) => node.join(undefined)],
];

for (const [title, code, send] of FRAMES) {
  test(`a frame that is ${title} ends its channel alone`, async () => {
    const node = await joined(member);
    await changingNothing(async (before) => {
      send(node);
      assert.is(await node.closed, 1000);
      await expectTurnedAway(seed, seedProcess, before, `channel.${code}`, STRANGER);
    });
  });
}

test('a message longer than any of a node ends its channel while it comes', async () => {
  const node = await joined(member);
  await changingNothing(async (before) => {
    for (const frame of node.sealAll('x'.repeat(1_000_000))) node.sendFrame(frame);
    assert.is(await node.closed, 1000);
    await expectTurnedAway(seed, seedProcess, before, 'channel.TOO_LARGE', STRANGER);
  });
});

test('a whole conversation that is sent again opens nothing', async () => {
  const node = await joined(member);
  node.socket.close();
  await node.closed;
  await changingNothing(async (before) => {
    const socket = await openSocket(relay);
    const closed = closing(socket);
    socket.send(node.sent[0]!);
    await once(socket, 'message');
    for (const frame of node.sent.slice(1)) socket.send(frame);
    assert.is(await closed, 1000);
    await expectTurnedAway(seed, seedProcess, before, 'channel.UNAUTHENTIC', STRANGER);
  });
});

test('a proof of a node key that does not verify, and a node key of another device, are refused by their codes', async () => {
  const { token } = await newLink();
  for (const [code, keys, more] of [
    ['KEY_PROOF_INVALID', newKeys(), { proof: Buffer.alloc(32, 1).toString('base64') }],
    ['KEY_IN_USE', { ...newKeys(), node: member.node }, {}],
  ] as const) {
    await changingNothing(async (before) => {
      const node = await openRawNode(relay, link, keys);
      await node.hello();
      node.join(token, more);
      assert.is((await node.next('refused')).code, code);
      assert.is(await node.closed, 1000);
      await expectTurnedAway(seed, seedProcess, before, `join.${code}`, STRANGER);
    });
  }
});

/** What a WebSocket may be sent before there is a channel. */
const FIRST: readonly (readonly [title: string, key: string, closeCode: number, send: (socket: WebSocket) => void])[] =
  [
    ['longer than a frame', 'TOO_LARGE', 1009, (socket) => socket.send(Buffer.alloc(65_536))],
    ['16 MB long', 'TOO_LARGE', 1009, (socket) => socket.send(Buffer.alloc(16_000_000))],
    ['text', 'TEXT', 1003, (socket) => socket.send('hello')],
    ['no handshake', 'HANDSHAKE_REFUSED', 1000, (socket) => socket.send(Buffer.alloc(96, 7))],
    ['too short', 'HANDSHAKE_REFUSED', 1000, (socket) => socket.send(Buffer.alloc(3))],
  ];

for (const [title, code, closeCode, send] of FIRST) {
  test(`a first frame that is ${title} ends its connection alone`, () =>
    changingNothing(async (before) => {
      const socket = await openSocket(relay);
      const closed = closing(socket);
      send(socket);
      assert.is(await closed, closeCode);
      await expectTurnedAway(seed, seedProcess, before, `channel.${code}`, STRANGER);
    }));
}

/** Sends, and reads until the other side closes. */
async function talk(socket: Socket, said: string | Buffer): Promise<string> {
  let answer = '';
  socket.on('data', (chunk: Buffer) => {
    answer += chunk.toString('latin1');
  });
  socket.write(said);
  await once(socket, 'close');
  return answer;
}

test('bytes that are no TLS are refused', () =>
  changingNothing(async (before) => {
    await talk(relay.tcp(), Buffer.alloc(100_000, 0x55));
    await expectTurnedAway(seed, seedProcess, before, 'tls.HANDSHAKE_REFUSED', STRANGER);
  }));

for (const [title, said, statusCode, code] of [
  ['bytes that are no HTTP', 'hello\r\n\r\n', 400, 'MALFORMED'],
  [
    'headers without end',
    `GET / HTTP/1.1\r\nhost: a\r\n${'x-flood: 0123456789\r\n'.repeat(1_500)}`,
    431,
    'HEADERS_TOO_LARGE',
  ],
  ['two lengths', 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n', 400, 'MALFORMED'],
  [
    'a name that is not the server’s',
    'GET / HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n',
    421,
    'HOST_UNKNOWN',
  ],
  [
    'an operation from outside',
    'POST /api/v1/users.list HTTP/1.1\r\nhost: 192.0.2.10\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}',
    403,
    'CONSOLE_INSIDE',
  ],
] as const) {
  test(`${title}: ${statusCode}`, () =>
    changingNothing(async (before) => {
      assert.match(await talk(relay.tls(), said), new RegExp(`^HTTP/1\\.1 ${statusCode} `));
      await expectTurnedAway(seed, seedProcess, before, `http.${code}`, STRANGER);
    }));
}

test('malformed and endless bodies are refused by their codes, before anybody looks who asks or after', () =>
  changingNothing(async () => {
    const big = 'head -c 10000000 /dev/zero | tr "\\0" " "';
    const post = 'curl -sS --max-time 20 -H content-type:application/json -H expect: --data-binary @-';
    const own = `${post} --unix-socket /run/pcloud/coordinator.sock http://localhost/api/v1/users.list`;
    for (const [host, line, code] of [
      [seed, `printf '{"a":' | ${own}`, 'INPUT_INVALID'],
      [seed, `printf '\\377\\376' | ${own}`, 'INPUT_INVALID'],
      [seed, `printf '{"name":1}' | ${own}`, 'INPUT_INVALID'],
      [seed, `head -c 20000 /dev/zero | tr "\\0" "[" | ${own}`, 'INPUT_INVALID'],
      [seed, `${big} | ${own}`, 'BODY_TOO_LARGE'],
      [honest, `printf '{"a":' | ${post} http://10.0.0.1:8444/api/v1/users.list`, 'UNAUTHENTICATED'],
      [honest, `${big} | ${post} http://10.0.0.1:8444/api/v1/users.list`, 'UNAUTHENTICATED'],
    ] as const) {
      const { stdout } = await host.run(line, { timeoutMs: 30_000 });
      assert.match(stdout, new RegExp(`"code":"${code}","message":"[^"]+`), line);
    }
  }));

test('200 connections from one source and sockets that say nothing keep no place from others', async () => {
  const silent = [
    ...Array.from({ length: 40 }, () => relay.tcp()),
    ...Array.from({ length: 40 }, () => relay.tls()),
  ].map((socket) => once(socket.resume(), 'close'));
  const opened = await Promise.allSettled(Array.from({ length: 200 }, () => openSocket(relay)));
  const sockets = opened.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const codes = Promise.all(sockets.map(async (socket) => (socket.readyState === socket.CLOSED ? 0 : closing(socket))));
  await waitFor('the limit to be counted', async () => (await turnedAway(seed))['channel.RATE_LIMITED'] ?? 0);
  await checkHonest(honest);
  await honest.run([PCLOUD, 'down']);
  await up(honest);
  await waitForPing(honest, '10.0.0.1', 10_000);

  // All that never spoke are closed by the server itself, within 10 s and the 5 s between its looks.
  const startedAt = performance.now();
  await Promise.all([codes, ...silent]);
  assert.ok(performance.now() - startedAt < 25_000, `closed after ${performance.now() - startedAt} ms`);
  assert.ok((await turnedAway(seed))['channel.SILENT']! > 50);
  const again = await waitFor('the source to be let in again', () => joined(member), 10_000);
  again.socket.close();
  await again.closed;
});

test('a flood of pings and of joins takes nothing from the others', async () => {
  const node = await joined(member);
  for (let round = 0; round < 20; round++) {
    for (let each = 0; each < 1_000; each++) node.socket.ping();
    for (let each = 0; each < 200; each++) node.say({ kind: 'ping', id: each });
    await new Promise((resolve) => setImmediate(resolve));
  }
  await waitFor(
    'an answer to the last',
    () => node.received.filter((one) => one.kind === 'pong').length >= 4_000,
    20_000,
  );
  assert.ok((await status(honest)).coordinator.connected);
  await waitForPing(honest, '10.0.0.1', 5_000);
  node.socket.close();
  await node.closed;
});

test('the log of all this is short', async () => {
  const told = seedProcess
    .output()
    .split('\n')
    .filter((line) => line.includes('"turned away"'));
  const counted = Object.values(await turnedAway(seed)).reduce((sum, count) => sum + count, 0);
  assert.ok(counted > 200, `${counted} counted`);
  assert.ok(told.length < 100, `${told.length} lines`);
  assert.ok(seedProcess.isRunning);
});

test.after(async () => {
  relay.close();
  await lab.close();
});

test.run();
