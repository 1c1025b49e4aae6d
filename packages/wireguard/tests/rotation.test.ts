/** One of two devices gets another key while both talk: nothing is lost, whichever hears of it first. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isZero } from '../src/bytes.ts';
import { createNobleCrypto } from '../src/index.ts';
import { createQuickCrypto } from './sim/crypto.ts';
import { packet } from './sim/network.ts';
import { contextOf, createPair, type Pair } from './sim/session.ts';

const quick = createQuickCrypto();
const NEXT_KEY = new Uint8Array(32).fill(0x42);
const publicOf = (privateKey: Uint8Array): Uint8Array => quick.publicKey(privateKey);

function replaceLeft({ network, left }: Pair): void {
  left.device.replacePrivateKey(NEXT_KEY, network.now);
  left.drain();
}

/** The right hears of the left's new key. */
function tellRight({ network, left, right }: Pair, before: Uint8Array): void {
  assert.ok(right.device.replacePeerKey(before, left.device.publicKey!, network.now));
  right.drain();
}

/** Talks both ways ten times a second. @returns packets that did not arrive */
function talk({ network, left, right }: Pair, forMs: number, during = (_ms: number): void => {}): number {
  const before = left.plane.delivered.length + right.plane.delivered.length;
  let sent = 0;
  for (let ms = 0; ms < forMs; ms += 100) {
    during(ms);
    left.send(packet(left, right));
    right.send(packet(right, left));
    sent += 2;
    network.run(100);
  }
  network.run(1_000);
  return sent - (left.plane.delivered.length + right.plane.delivered.length - before);
}

/** Whether the session of now is one of the new key. */
function isRenewed({ left, leftPeer, rightPeer }: Pair, since: number): boolean {
  const isLater = (createdAt: number | undefined): boolean => createdAt !== undefined && createdAt >= since;
  return (
    left.device.publicKey!.every((byte, at) => byte === rightPeer.publicKey[at]) &&
    isLater(leftPeer.keypairs.current?.createdAt) &&
    isLater(rightPeer.keypairs.current?.createdAt)
  );
}

for (const [title, delayMs] of [
  ['at the same moment', 0],
  ['half a second after', 500],
  ['half a second before', -500],
  ['a minute after', 60_000],
] as const) {
  test(`no packet is lost when the other side hears of the new key ${title}`, () => {
    const pair = createPair(1, quick);
    const before = pair.left.device.publicKey!;
    const since = pair.network.now;
    const ownAt = Math.max(0, -delayMs);
    const otherAt = Math.max(0, delayMs);
    const lost = talk(pair, 70_000, (ms) => {
      if (ms === ownAt) replaceLeft(pair);
      if (ms !== otherAt) return;
      // It may be told before the left has it itself.
      assert.ok(pair.right.device.replacePeerKey(before, publicOf(NEXT_KEY), pair.network.now));
      pair.right.drain();
    });
    assert.is(lost, 0);
    assert.ok(isRenewed(pair, since));
  });
}

test('a peer that does not hear of the new key for ten minutes is talked to by the former one', () => {
  const pair = createPair(2, quick);
  replaceLeft(pair);
  assert.is(talk(pair, 600_000), 0);
  assert.ok(pair.network.now - pair.leftPeer.keypairs.current!.createdAt < 200_000);
});

test('a peer without a session that knows the former key alone is reached within seconds, and reaches us', () => {
  for (const first of ['left', 'right'] as const) {
    const pair = createPair(3, quick);
    pair.network.run(600_000);
    assert.is(pair.leftPeer.keypairs.current, undefined);
    replaceLeft(pair);
    const [from, to] = first === 'left' ? [pair.left, pair.right] : [pair.right, pair.left];
    from.send(packet(from, to));
    pair.network.run(6_000);
    assert.is(to.plane.delivered.length, 1, first);
  }
});

test('without the former key a peer that knows no other is not answered', () => {
  const pair = createPair(4, quick);
  replaceLeft(pair);
  const { formerIdentity } = contextOf(pair.leftPeer);
  pair.left.device.forgetFormerKey();
  pair.left.drain();
  assert.ok(isZero(formerIdentity!.privateKey));
  pair.network.run(600_000);
  pair.right.send(packet(pair.right, pair.left));
  pair.network.run(60_000);
  assert.is(pair.left.plane.delivered.length, 0);
  assert.ok(pair.left.device.counters['bad-mac1-dropped'] > 0);
});

test('two keys in a row: the session goes on, and the first is of no use', () => {
  const pair = createPair(5, quick);
  const first = pair.left.device.publicKey!;
  const { identity } = contextOf(pair.leftPeer);
  replaceLeft(pair);
  pair.left.device.replacePrivateKey(new Uint8Array(32).fill(0x51), pair.network.now);
  pair.left.drain();
  assert.ok(isZero(identity!.privateKey));
  const since = pair.network.now;
  assert.is(
    talk(pair, 20_000, (ms) => {
      if (ms === 1_000) tellRight(pair, first);
    }),
    0,
  );
  assert.ok(isRenewed(pair, since));
});

test('endpoint, addresses and the peer itself stay the same under its new key', () => {
  const pair = createPair(6, quick);
  const { right, rightPeer } = pair;
  const endpoint = rightPeer.copyEndpoint();
  const addresses = [...rightPeer.allowedIps()];
  const before = pair.left.device.publicKey!;
  replaceLeft(pair);
  tellRight(pair, before);
  assert.is(right.device.findPeer(pair.left.device.publicKey!), rightPeer);
  assert.is(right.device.findPeer(before), undefined);
  assert.equal(rightPeer.copyEndpoint(), endpoint);
  assert.equal([...rightPeer.allowedIps()], addresses);
});

test('a key that is our own, another peer’s, or of no peer changes nothing', () => {
  const { network, left, right, rightPeer } = createPair(7, quick);
  const before = rightPeer.publicKey;
  const third = createNobleCrypto().publicKey(new Uint8Array(32).fill(3));
  right.device.addPeer(third, network.now);
  for (const [from, by] of [
    [before, right.device.publicKey!],
    [before, third],
    [new Uint8Array(32).fill(9), left.device.publicKey!],
  ] as const) {
    assert.not.ok(right.device.replacePeerKey(from, by, network.now));
  }
  assert.is(rightPeer.publicKey, before);
});

test('who has the new key takes no handshake of the former one', () => {
  const pair = createPair(8, quick);
  const before = pair.left.device.publicKey!;
  pair.right.device.replacePeerKey(before, publicOf(NEXT_KEY), pair.network.now);
  pair.right.drain();
  const since = pair.network.now;
  assert.is(talk(pair, 100_000), 0, 'the session lasts to its end');
  pair.network.run(200_000);
  pair.left.send(packet(pair.left, pair.right));
  pair.network.run(30_000);
  assert.ok((pair.leftPeer.keypairs.current?.createdAt ?? 0) < since);
  assert.ok(pair.right.device.counters['unknown-peer-dropped'] > 0);
});

test.run();
