/** The persistent keepalive: an interval after whatever was sent or received last. */
import { parseEndpoint } from '@pcloud/ip';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createQuickCrypto } from './sim/crypto.ts';
import { kindOf, sentBy } from './sim/messages.ts';
import { connect, createSimNetwork, packet } from './sim/network.ts';
import { createPair, createStrangers, type Pair } from './sim/session.ts';

const quick = createQuickCrypto();

/** A session in which nothing is owed, and the left's interval for the right. */
function createQuietPair(seconds: number): Pair {
  const pair = createPair(1, quick);
  const { network, left, leftPeer } = pair;
  network.run(30_000);
  leftPeer.setKeepaliveInterval(seconds, network.now);
  leftPeer.start(network.now);
  left.drain();
  network.run(100);
  network.sent.length = 0;
  return pair;
}

test('one is sent at every interval of silence', () => {
  const { network, left } = createQuietPair(7);
  const start = network.now - 100;
  network.run(36_000);
  assert.equal(
    sentBy(network, left, 'keepalive').map(({ at }) => at - start),
    [7_000, 14_000, 21_000, 28_000, 35_000],
  );
});

test('none is sent while data is', () => {
  const { network, left, right } = createQuietPair(7);
  for (let i = 0; i < 10; i++) {
    left.send(packet(left, right));
    network.run(1_000);
    right.send(packet(right, left));
    network.run(5_000);
  }
  assert.is(sentBy(network, left, 'keepalive').length, 0);
});

test('none is sent while the other side’s come more often', () => {
  const { network, left, right, rightPeer } = createQuietPair(7);
  rightPeer.setKeepaliveInterval(5, network.now);
  rightPeer.start(network.now);
  right.drain();
  network.run(60_000);
  assert.is(sentBy(network, left, 'keepalive').length, 0);
  assert.is(sentBy(network, right, 'keepalive').length, 13);
});

test('an interval of 65,535 s is kept to', () => {
  const { network, left } = createQuietPair(65_535);
  network.run(65_534_800);
  assert.is(network.sent.length, 0);
  network.run(200);
  assert.is(sentBy(network, left, 'initiation').length, 1);
});

test('from off to on one is sent at once, from one interval to another none', () => {
  const { network, left, leftPeer } = createQuietPair(0);
  for (const [seconds, sent] of [
    [25, 1],
    [10, 1],
    [0, 1],
    [10, 2],
  ] as const) {
    leftPeer.setKeepaliveInterval(seconds, network.now);
    leftPeer.start(network.now);
    left.drain();
    assert.is(sentBy(network, left, 'keepalive').length, sent, `${seconds} s`);
  }
});

test('another interval counts from when it is set', () => {
  const { network, left, leftPeer } = createQuietPair(25);
  network.run(5_000);
  leftPeer.setKeepaliveInterval(10, network.now);
  left.drain();
  const setAt = network.now;
  network.run(11_000);
  assert.equal(
    sentBy(network, left, 'keepalive').map(({ at }) => at - setAt),
    [10_000],
  );
});

test('off sends none and leaves no deadline', () => {
  const { network, left, leftPeer } = createQuietPair(25);
  leftPeer.setKeepaliveInterval(0, network.now);
  left.drain();
  assert.is(left.wake.reason, 'zero-keys');
  network.run(100_000);
  assert.is(network.sent.length, 0);
});

test('without a session a handshake is made for it', () => {
  const { network, left, leftPeer } = createStrangers(1, quick);
  leftPeer.setKeepaliveInterval(25, network.now);
  leftPeer.start(network.now);
  left.drain();
  network.run(5_000);
  assert.equal(network.sent.map(kindOf), ['initiation', 'response', 'keepalive']);
});

test('one is sent when the interface comes up', () => {
  const { network, left, leftPeer } = createStrangers(1, quick);
  left.device.down(network.now);
  leftPeer.setKeepaliveInterval(25, network.now);
  leftPeer.start(network.now);
  left.drain();
  network.run(60_000);
  assert.is(network.sent.length, 0);
  for (let times = 1; times <= 2; times++) {
    left.device.up(network.now);
    left.drain();
    assert.is(sentBy(network, left, 'initiation').length, times);
    network.run(1_000);
    left.device.down(network.now);
    left.drain();
  }
});

test('one is sent when the private key is set', () => {
  const network = createSimNetwork();
  const left = network.addHost('left', {}, quick);
  const right = network.addHost('right', {}, quick);
  const { left: peer } = connect(left, right, network.now);
  const privateKey = left.device.copyPrivateKey();
  left.device.setPrivateKey(undefined, network.now);
  peer.setKeepaliveInterval(25, network.now);
  peer.start(network.now);
  left.drain();
  network.run(60_000);
  assert.is(network.sent.length, 0);
  left.device.setPrivateKey(privateKey, network.now);
  left.drain();
  network.run(100);
  assert.equal(network.sent.map(kindOf), ['initiation', 'response', 'keepalive']);
});

test('one is sent when the peer’s endpoint is set', () => {
  const network = createSimNetwork();
  const left = network.addHost('left', {}, quick);
  const right = network.addHost('right', {}, quick);
  const { left: peer } = connect(left, right, network.now, { left: false, right: true });
  peer.setKeepaliveInterval(25, network.now);
  peer.start(network.now);
  left.drain();
  network.run(60_000);
  assert.is(network.sent.length, 0);
  peer.setEndpoint(parseEndpoint(right.address)!);
  peer.start(network.now);
  left.drain();
  assert.equal(network.sent.map(kindOf), ['initiation']);
});

test('a peer that does not answer is tried for ever, and reached when it is back', () => {
  for (const seconds of [1, 25, 200]) {
    const { network, left, right, leftPeer } = createStrangers(1, quick);
    network.filter = () => false;
    leftPeer.setKeepaliveInterval(seconds, network.now);
    leftPeer.start(network.now);
    left.drain();
    network.run(700_000);
    network.filter = () => true;
    network.run(220_000);
    assert.is(leftPeer.reason, 'connected', `${seconds} s`);
    assert.ok(right.device.counters['keepalives-received'] > 0, `${seconds} s`);
  }
});

test('a session lives on through keepalives alone', () => {
  const { network, left, right } = createQuietPair(25);
  network.run(3_600_000);
  assert.ok(sentBy(network, left, 'initiation').length <= 29);
  assert.is(sentBy(network, right, 'initiation').length, 0);
  network.sent.length = 0;
  right.send(packet(right, left));
  network.run(20);
  assert.is(left.plane.delivered.length, 1);
});

test.run();
