/**
 * Bad input on the wire. Ours is the right; the left is its real peer, on whose host the forger sits too.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { waitFor } from '../lab/wait.ts';
import { forge, randomDatagram, toRecords } from './lib/forgery.ts';
import { forward } from './lib/forwarder.ts';
import { type DataPath, newestPeer, ours } from './lib/implementations.ts';
import { INNER, OUTER, type Pair, withPair } from './lib/pair.ts';
import { readCounter, readStatus } from './lib/status.ts';
import { cTool, nodeTool } from './lib/tools.ts';
import { assertPing, ping, startPing, stopPing } from './lib/traffic.ts';
import { startTunnel } from './lib/tunnel.ts';

const sides = { left: newestPeer(), right: ours() };

/** Sends datagrams to the right and returns the bytes that came back. */
async function send({ lab, left, right }: Pair, datagrams: readonly Uint8Array[]): Promise<number> {
  const file = join(lab.directory, 'datagrams');
  writeFileSync(file, toRecords(datagrams));
  const words = [file, OUTER[4].right, `${right.port}`];
  const { stdout } = await left.host.run([...nodeTool('datagrams'), ...words], { timeoutMs: 60_000 });
  const { sent, returnedBytes } = JSON.parse(stdout);
  assert.is(sent, datagrams.length);
  return returnedBytes;
}

for (const path of ['native', 'noble-dgram'] as const) {
  test(`datagrams of every length from 0 to 200 of every type are dropped, counted, and not answered: ${path}`, async () => {
    await withPair({ left: newestPeer(), right: ours(path) }, async (pair) => {
      await assertPing(pair.left.host, INNER[4].right);
      const datagrams: Buffer[] = [];
      for (const type of [0, 1, 2, 3, 4, 5, 255]) {
        for (let bytes = 0; bytes <= 200; bytes++)
          datagrams.push(randomDatagram(type, bytes), randomDatagram(type, bytes, 1));
      }
      assert.is(await send(pair, datagrams), 0);
      await assertPing(pair.left.host, INNER[4].right, { count: 3 });
      const { counters } = await readStatus(pair.right.host);
      for (const reason of ['unknown-type', 'wrong-length', 'bad-mac1', 'unknown-index']) {
        assert.ok(counters[`${reason}-dropped`]! > 0, reason);
      }
      const dropped = Object.entries(counters).filter(([name]) => name.endsWith('-dropped'));
      assert.is(
        dropped.reduce((sum, [, count]) => sum + count, 0),
        datagrams.length,
        JSON.stringify(counters),
      );
    });
  });

  test(`datagrams of 65,507 bytes of every type do no harm: ${path}`, async () => {
    await withPair({ left: newestPeer(), right: ours(path) }, async (pair) => {
      await assertPing(pair.left.host, INNER[4].right);
      const datagrams = [0, 1, 2, 3, 4, 255].flatMap((type) =>
        [65_507, 65_506, 40_000, 9_000, 4_097].map((bytes) => randomDatagram(type, bytes)),
      );
      assert.is(await send(pair, datagrams), 0);
      await assertPing(pair.left.host, INNER[4].right, { count: 3 });
    });
  });
}

test('handshake messages of random bytes behind a valid MAC are dropped and counted', async () => {
  await withPair(sides, async (pair) => {
    await assertPing(pair.left.host, INNER[4].right);
    const receiver = pair.right.keys.publicKey;
    await send(pair, [...forge('initiation', receiver, 30), ...forge('response', receiver, 30)]);
    await assertPing(pair.left.host, INNER[4].right, { count: 3 });
    const { counters } = await readStatus(pair.right.host);
    assert.ok(counters['bad-handshake-dropped']! > 0, JSON.stringify(counters));
  });
});

test('every datagram sent three times is taken once', async () => {
  await withPair({ left: ours(), right: ours() }, async (pair) => {
    await forward(pair, { copies: 3 });
    const { received, output } = await ping(pair.left.host, INNER[4].right, { count: 50 });
    assert.is(received, 50, output);
    assert.not.match(output, /DUP/);
    assert.ok((await readCounter(pair.right.host, 'replayed-dropped')) >= 100);
    assert.ok((await readCounter(pair.right.host, 'replayed-handshake-dropped')) >= 1);
  });
});

test('a flood of datagrams that a stranger sends does not move an endpoint', async () => {
  await withPair(sides, async (pair) => {
    await assertPing(pair.left.host, INNER[4].right);
    const { endpoint } = await pair.right.peer();
    await send(
      pair,
      [1, 2, 3, 4].flatMap((type) => [148, 92, 64, 32, 128].map((bytes) => randomDatagram(type, bytes))),
    );
    assert.is((await pair.right.peer()).endpoint, endpoint);
  });
});

const FLOOD = { perSecond: 20_000, seconds: 12, records: 20_000 } as const;
const SPOOFED = '10.99.0.0';

/**
 * A stranger floods the right through a cable of its own while the left's flow goes on and a newcomer,
 * on the left's host too, makes its first handshake.
 *
 *     [stranger] 198.18.0.1 ──── 198.18.0.2 eth1 [right] eth0 ──── [left]
 */
async function flood(path: DataPath): Promise<void> {
  await withPair({ left: newestPeer(), right: ours(path) }, async ({ lab, left, right }) => {
    const stranger = await lab.host('stranger');
    await lab.connect(
      { host: stranger, name: 'eth0', addresses: ['198.18.0.1/24'] },
      { host: right.host, name: 'eth1', addresses: ['198.18.0.2/24'] },
    );
    await right.host.run(`ip route add ${SPOOFED}/16 via 198.18.0.1`);
    const file = join(lab.directory, 'initiations');
    writeFileSync(file, Buffer.concat(forge('initiation', right.keys.publicKey, FLOOD.records)));
    await assertPing(left.host, INNER[4].right);

    const numbers = [148, '198.18.0.2', right.port, SPOOFED, FLOOD.perSecond, FLOOD.seconds].map(String);
    const flooding = stranger.spawn([...cTool('flood'), file, ...numbers]);
    const pinging = startPing(left.host, INNER[4].right, 20);
    await waitFor('the right to be under load', async () => (await readCounter(right.host, 'cookies-sent')) > 0, 3000);

    const newcomer = await startTunnel({
      host: left.host,
      implementation: newestPeer(),
      name: 'wg1',
      port: 51821,
      addresses: ['10.9.1.1/24'],
    });
    await right.setPeer(newcomer.keys.publicKey, { allowedIps: ['10.9.1.1/32'] });
    await right.host.run('ip route add 10.9.1.0/24 dev wg0 && ip address add 10.9.1.2/32 dev wg0');
    await newcomer.setPeer(right.keys.publicKey, {
      endpoint: `${OUTER[4].right}:${right.port}`,
      allowedIps: ['10.9.1.2/32'],
    });
    await assertPing(left.host, '10.9.1.2', { waitSeconds: 8 });
    assert.is(flooding.isRunning, true, 'the handshake was made under the flood');
    const tries = newcomer.process.output().match(/Sending handshake initiation/g)?.length;
    assert.ok(tries! <= 2, `${tries} tries`);

    await flooding.exited;
    const { sent, received } = await stopPing(pinging);
    assert.ok(received >= sent * 0.95, `${received} of ${sent} pings of the established flow answered`);

    const spoofed = Number(flooding.stdout());
    assert.ok(spoofed >= 0.9 * FLOOD.perSecond * FLOOD.seconds, `${spoofed} initiations sent`);
    const { counters } = await readStatus(right.host);
    const dropped = Object.entries(counters).filter(([name]) => name.endsWith('-dropped'));
    const total = dropped.reduce((sum, [, count]) => sum + count, 0);
    assert.ok(total >= spoofed * 0.9, `${spoofed} sent, dropped: ${JSON.stringify(counters)}`);
    await assertPing(left.host, INNER[4].right, { count: 3 });
  });
}

test('20,000 spoofed initiations a second neither stop a flow nor keep a newcomer out: native', () => flood('native'));

test.run();
