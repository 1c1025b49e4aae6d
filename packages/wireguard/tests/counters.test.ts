/** Send counters of 64 bits, and the limits on them: whitepaper 6.1 and 6.2. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FRAME, LAYOUT, REGIONS } from '../src/batch.ts';
import type { Keypair } from '../src/keypair.ts';
import { createQuickCrypto } from './sim/crypto.ts';
import { counterOf, sentBy } from './sim/messages.ts';
import { packet, type SimHost } from './sim/network.ts';
import { createPair, forge, type Pair, receive } from './sim/session.ts';

const quick = createQuickCrypto();
const REKEY_AFTER_MESSAGES = 2n ** 60n;
const REJECT_AFTER_MESSAGES = 2n ** 64n - 2n ** 13n - 1n;

function setCounter(keypair: Keypair, counter: bigint): void {
  keypair.sendLow = Number(counter & 0xffff_ffffn);
  keypair.sendHigh = Number(counter >> 32n);
}

function readCounter({ sendLow, sendHigh }: Keypair): bigint {
  return (BigInt(sendHigh) << 32n) | BigInt(sendLow);
}

/** A session whose last handshake is long enough ago for another one. */
function createSession(): Pair {
  const pair = createPair(1, quick);
  pair.network.run(30_000);
  pair.network.sent.length = 0;
  return pair;
}

/** Has a host decide a super-packet that becomes `segments` messages. */
function offerSegments({ network, right }: Pair, host: SimHost, segments: number): Int32Array {
  const { frames, bytes } = host.plane.batch;
  const at = REGIONS.TUN + LAYOUT.TUN_HEADROOM;
  bytes.set(packet(host, right), at);
  frames.fill(0, 0, FRAME.WORDS);
  frames[FRAME.OFFSET] = at;
  frames[FRAME.LENGTH] = 64;
  frames[FRAME.SEGMENTS] = segments;
  host.device.handleFrames(1, network.now);
  return frames;
}

for (const [name, boundary] of [
  ['2^31', 2n ** 31n],
  ['2^32', 2n ** 32n],
  ['2^53', 2n ** 53n],
  ['2^53 + 1', 2n ** 53n + 1n],
  ['2^60', 2n ** 60n],
  ['2^63', 2n ** 63n],
  ['2^64 - 2^32', 2n ** 64n - 2n ** 32n],
] as const) {
  test(`counters go on one by one past ${name}, and every packet arrives`, () => {
    const { network, left, right, leftPeer } = createSession();
    setCounter(leftPeer.keypairs.current!, boundary - 3n);
    for (let id = 0; id < 6; id++) left.send(packet(left, right, id));
    network.run(5);
    assert.equal(
      sentBy(network, left, 'transport').map(counterOf),
      [-3n, -2n, -1n, 0n, 1n, 2n].map((step) => boundary + step),
    );
    network.run(15);
    assert.is(right.plane.delivered.length, 6);
    assert.is(right.device.counters['replayed-dropped'], 0);
  });
}

test('after 2^60 messages either side renews the session, and not before', () => {
  for (const isInitiator of [true, false]) {
    const { network, left, right, leftPeer, rightPeer } = createSession();
    const [host, peer, other] = isInitiator ? [left, leftPeer, right] : [right, rightPeer, left];
    setCounter(peer.keypairs.current!, REKEY_AFTER_MESSAGES - 2n);
    host.send(packet(host, other));
    assert.is(sentBy(network, host, 'initiation').length, 0);
    host.send(packet(host, other));
    assert.is(sentBy(network, host, 'initiation').length, 1);
    network.run(100);
    assert.is(other.plane.delivered.length, 2);
    assert.ok(peer.keypairs.current!.sendHigh === 0);
  }
});

test('a super-packet that passes 2^60 renews the session', () => {
  const pair = createSession();
  const { left, leftPeer } = pair;
  setCounter(leftPeer.keypairs.current!, REKEY_AFTER_MESSAGES - 10n);
  offerSegments(pair, left, 9);
  assert.is(leftPeer.initiations.length, 0);
  offerSegments(pair, left, 1);
  assert.is(leftPeer.initiations.length, 1);
});

test('no message is sent with a counter of 2^64 - 2^13 - 1, and a handshake brings it all the same', () => {
  for (const isInitiator of [true, false]) {
    const { network, left, right, leftPeer, rightPeer } = createSession();
    const [host, peer, other] = isInitiator ? [left, leftPeer, right] : [right, rightPeer, left];
    const last = peer.keypairs.current!;
    setCounter(last, REJECT_AFTER_MESSAGES - 1n);
    host.send(packet(host, other, 1));
    host.send(packet(host, other, 2));
    assert.equal(sentBy(network, host, 'transport').map(counterOf), [REJECT_AFTER_MESSAGES - 1n]);
    network.run(100);
    assert.equal(other.plane.delivered, [packet(host, other, 1), packet(host, other, 2)]);
    assert.equal(sentBy(network, host, 'transport').map(counterOf), [REJECT_AFTER_MESSAGES - 1n, 0n]);
  }
});

test('a session whose counters are used up stays so, however often one is wanted', () => {
  const { network, left, right, leftPeer } = createSession();
  const { current } = leftPeer.keypairs;
  setCounter(current!, REJECT_AFTER_MESSAGES);
  network.filter = () => false;
  for (let i = 0; i < 50; i++) {
    left.send(packet(left, right));
    network.run(100);
  }
  assert.is(sentBy(network, left, 'transport').length, 0);
  assert.is(readCounter(current!), REJECT_AFTER_MESSAGES);
});

test('a keepalive does not pass the limit either', () => {
  const { network, left, right, leftPeer } = createSession();
  right.send(packet(right, left));
  network.run(100);
  setCounter(leftPeer.keypairs.current!, REJECT_AFTER_MESSAGES);
  network.run(10_000);
  assert.is(sentBy(network, left, 'initiation').length, 1);
  assert.ok(sentBy(network, left, 'keepalive').every((sent) => counterOf(sent) === 0n));
});

test('a counter of the limit or above is refused, one below it is taken', () => {
  const { left, right, leftPeer } = createSession();
  const offer = (counter: bigint): number => {
    receive(right, { datagram: forge(left, leftPeer, packet(left, right), counter), from: left.address });
    return right.plane.delivered.length;
  };
  assert.is(offer(REJECT_AFTER_MESSAGES - 1n), 1);
  for (const counter of [REJECT_AFTER_MESSAGES, REJECT_AFTER_MESSAGES + 1n, 2n ** 64n - 8130n, 2n ** 64n - 1n]) {
    const dropped = right.device.counters['replayed-dropped'];
    assert.is(offer(counter), 1, String(counter));
    assert.is(right.device.counters['replayed-dropped'], dropped + 1);
  }
});

test('a counter at the very end does not lock out what follows in the session', () => {
  const { left, right, leftPeer } = createSession();
  for (const [counter, delivered] of [
    [2n ** 64n - 1n, 0],
    [500n, 1],
    [501n, 2],
  ] as const) {
    receive(right, { datagram: forge(left, leftPeer, packet(left, right), counter), from: left.address });
    assert.is(right.plane.delivered.length, delivered, String(counter));
  }
});

test('a super-packet carries into the high half of the counter', () => {
  for (const boundary of [2n ** 32n, 2n ** 53n, 2n ** 62n]) {
    const pair = createSession();
    const { current } = pair.leftPeer.keypairs;
    setCounter(current!, boundary - 10n);
    const frames = offerSegments(pair, pair.left, 45);
    const low = BigInt(frames[FRAME.COUNTER_LOW]! >>> 0);
    const high = BigInt(frames[FRAME.COUNTER_HIGH]! >>> 0);
    assert.is((high << 32n) | low, boundary - 10n);
    assert.is(readCounter(current!), boundary + 35n);
  }
});

test('a super-packet of which one segment would pass the limit is not sent under the session at all', () => {
  const pair = createSession();
  const { left, leftPeer } = pair;
  const { current } = leftPeer.keypairs;
  for (const [room, isSent] of [
    [45n, true],
    [44n, false],
    [1n, false],
  ] as const) {
    setCounter(current!, REJECT_AFTER_MESSAGES - room);
    const frames = offerSegments(pair, left, 45);
    assert.is(frames[FRAME.KEY]! >= 0, isSent, `room for ${room}`);
    assert.is(readCounter(current!), REJECT_AFTER_MESSAGES - (isSent ? 0n : room), `room for ${room}`);
  }
});

test('a super-packet that does not fit under the limit is sent under the next session', () => {
  const pair = createSession();
  const { network, left, leftPeer } = pair;
  setCounter(leftPeer.keypairs.current!, REJECT_AFTER_MESSAGES - 44n);
  offerSegments(pair, left, 45);
  assert.is(leftPeer.staged.packets, 45);
  left.drain();
  network.run(100);
  assert.is(leftPeer.staged.packets, 0);
  assert.is(readCounter(leftPeer.keypairs.current!), 45n);
});

test('a small packet does not overtake a super-packet that waits for the next session', () => {
  const pair = createSession();
  const { network, left, right, leftPeer } = pair;
  setCounter(leftPeer.keypairs.current!, REJECT_AFTER_MESSAGES - 44n);
  offerSegments(pair, left, 45);
  left.send(packet(left, right, 9));
  assert.is(sentBy(network, left, 'transport').length, 0);
  network.run(100);
  assert.equal(right.plane.delivered.at(-1), packet(left, right, 9));
});

test.run();
