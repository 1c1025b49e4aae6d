/**
 * Links on which time matters, through a forwarder that holds each datagram:
 *
 *     [left] eth0 192.0.2.1 ──── 192.0.2.2 eth0 [right]
 *            └─ near port of the forwarder     └─ both peers send to 192.0.2.1, where it listens
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { forward, seen } from './lib/forwarder.ts';
import { newestPeer, ours } from './lib/implementations.ts';
import { INNER, withPair } from './lib/pair.ts';
import { assertPing, ping } from './lib/traffic.ts';

/** Both at once: each takes the better part of a minute. */
const longLinks = [ours(), newestPeer()].map((right) => {
  const outcome = withPair({ left: ours(), right, endpoints: 'neither' }, async (pair) => {
    await forward(pair, { delayMs: 4000 });
    const { received, output } = await ping(pair.left.host, INNER[4].right, {
      count: 20,
      intervalMs: 1000,
      waitSeconds: 30,
    });
    assert.ok(received >= 2, output);
  });
  outcome.catch(() => {}); // reported by its test
  return { right, outcome };
});

for (let round = 1; round <= 3; round++) {
  test(`two sides that start in the same instant both carry data within two round trips, round ${round}`, async () => {
    await withPair({ left: ours(), right: ours(), endpoints: 'neither' }, async (pair) => {
      const { left, right } = pair;
      const oneWayMs = 250;
      const forwarder = await forward(pair, { delayMs: oneWayMs });
      await Promise.all([
        assertPing(left.host, INNER[4].right, { waitSeconds: 10 }),
        assertPing(right.host, INNER[4].left, { waitSeconds: 10 }),
      ]);
      const datagrams = seen(forwarder);
      const initiations = datagrams.filter(({ type }) => type === 1);
      const far = initiations.find(({ sender }) => sender === 'far')!;
      const near = initiations.find(({ sender }) => sender === 'near')!;
      assert.ok(far && near && Math.abs(far.atMs - near.atMs) < oneWayMs, 'both initiations were under way at once');
      const start = Math.max(far.atMs, near.atMs);
      for (const side of ['near', 'far']) {
        const data = datagrams.find(({ sender, type }) => sender === side && type === 4)!;
        const took = data.atMs - start;
        assert.ok(took <= 2 * 2 * oneWayMs, `${side} sent its first data ${took} ms after the initiations`);
      }
      assert.is(initiations.length, 2, 'no initiation was sent again');
    });
  });
}

for (const { right, outcome } of longLinks) {
  test(`a link with a round trip of eight seconds connects: ${right.name} answers`, () => outcome);
}

test.run();
