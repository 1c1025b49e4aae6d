/** What `wg show` counts, and when packets are sent that nobody asked for. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { sleep, waitFor } from '../lab/wait.ts';
import { backports, debian, newestPeer, ours } from './lib/implementations.ts';
import { createKeyPair, createPresharedKey } from './lib/keys.ts';
import { INNER, withPair } from './lib/pair.ts';
import { assertPing, startPing, stopPing } from './lib/traffic.ts';

for (const right of [debian, backports, newestPeer(), ours()]) {
  for (const initiator of ['we start', 'it starts']) {
    test(`ten pings cost exactly one handshake and ten packets each way: ${right.name}, ${initiator}`, async () => {
      await withPair({ right }, async ({ left, right }) => {
        const [first, second, to] =
          initiator === 'we start' ? [left, right, INNER[4].right] : [right, left, INNER[4].left];
        await assertPing(first.host, to, { count: 10 });
        const starting = await first.peer();
        const answering = await second.peer();
        // 92 + 10 × 128 one way, 148 + 10 × 128 the other, a keepalive of 32 at most to confirm the key
        assert.is(starting.rxBytes, 1372);
        assert.ok([1428, 1460].includes(starting.txBytes), `sent ${starting.txBytes} bytes`);
        assert.is(answering.rxBytes, starting.txBytes);
        assert.is(answering.txBytes, 1372);
      });
    });
  }
}

test('a persistent keepalive starts a handshake by itself, comes every interval, and stops', async () => {
  await withPair({}, async ({ left, right }) => {
    await left.setPeer(right.keys.publicKey, { keepalive: 1 });
    await waitFor('a handshake', async () => (await right.peer()).handshakeAt > 0, 2000);
    const before = (await right.peer()).rxBytes;
    await sleep(3500);
    const keepalives = ((await right.peer()).rxBytes - before) / 32;
    assert.ok(keepalives === 3 || keepalives === 4, `${keepalives} keepalives in 3.5 s`);

    await left.setPeer(right.keys.publicKey, { keepalive: 0 });
    const stopped = (await right.peer()).rxBytes;
    await sleep(2500);
    assert.is((await right.peer()).rxBytes, stopped);
  });
});

test('a session with nothing to carry is silent', async () => {
  await withPair({}, async ({ left, right }) => {
    await assertPing(left.host, INNER[4].right);
    await sleep(11_000);
    const settled = await left.peer();
    await sleep(12_000);
    const later = await left.peer();
    assert.is(later.txBytes, settled.txBytes);
    assert.is(later.rxBytes, settled.rxBytes);
    assert.is((await right.peer()).rxBytes, settled.txBytes);
  });
});

test('who received and has nothing to say confirms with one keepalive after ten seconds', async () => {
  await withPair({}, async ({ left, right }) => {
    await assertPing(left.host, INNER[4].right);
    // an address of the peer that does not answer: data one way
    await left.host.run(['nft', '-f', '-'], {
      input:
        'table inet t { chain out { type filter hook output priority 0; oifname "wg0" icmp type echo-reply drop; }; }',
    });
    const before = (await right.peer()).rxBytes;
    await right.host.run(['ping', '-c', '1', '-W', '1', INNER[4].left], { check: false });
    await waitFor('a keepalive', async () => (await right.peer()).rxBytes === before + 32, 12_000);
    await sleep(2000);
    assert.is((await right.peer()).rxBytes, before + 32);
  });
});

for (const who of ['left', 'right'] as const) {
  const title = who === 'left' ? 'by whom the traffic comes from' : 'by whom the traffic goes to';
  test(`a private key can be changed under traffic, ${title}`, async () => {
    await withPair({ right: ours() }, async (pair) => {
      const [changed, other] = who === 'left' ? [pair.left, pair.right] : [pair.right, pair.left];
      await assertPing(pair.left.host, INNER[4].right);
      const pinging = startPing(pair.left.host, INNER[4].right, 50);
      const fresh = createKeyPair();
      const { endpoint } = await other.peer();
      await other.setPeer(fresh.publicKey, { endpoint, allowedIps: [`${INNER[4][who]}/32`] });
      await changed.set('private-key', changed.host.write('/run/fresh.key', fresh.privateKey));
      await other.set('peer', changed.keys.publicKey, 'remove');
      assert.is((await changed.show()).publicKey, fresh.publicKey);
      // whoever initiated too early does so again after five seconds
      await assertPing(pair.left.host, INNER[4].right, { waitSeconds: 7 });
      await sleep(500);
      const { sent, received } = await stopPing(pinging);
      assert.ok(sent - received <= 6000 / 50, `${sent - received} of ${sent} pings lost`);
      assert.ok((await other.peer(fresh.publicKey)).handshakeAt > 0);
    });
  });
}

test('a preshared key that changes leaves the session alone and counts from the next handshake', async () => {
  await withPair({}, async ({ left, right }) => {
    await assertPing(left.host, INNER[4].right);
    const presharedKey = createPresharedKey();
    await left.setPeer(right.keys.publicKey, { presharedKey });
    const { handshakeAt } = await left.peer();
    await assertPing(left.host, INNER[4].right, { count: 3 });
    assert.is((await left.peer()).handshakeAt, handshakeAt);
    await right.setPeer(left.keys.publicKey, { presharedKey });
    await assertPing(left.host, INNER[4].right, { count: 3 });
    assert.is((await left.peer()).presharedKey, (await right.peer()).presharedKey);
  });
});

test.run();
