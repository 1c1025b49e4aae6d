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

test('every datagram sent three times is taken once', async () => {
  await withPair(sides, async (pair) => {
    await forward(pair, { copies: 3 });
    const { received, output } = await ping(pair.left.host, INNER[4].right, { count: 50 });
    console.log(output,JSON.stringify((await readStatus(pair.right.host)).counters)); assert.is(received, 50, output);
    assert.not.match(output, /DUP/);
    assert.ok((await readCounter(pair.right.host, 'replayed-dropped')) >= 100);
    assert.ok((await readCounter(pair.right.host, 'replayed-handshake-dropped')) >= 1);
  });
});

test.run();