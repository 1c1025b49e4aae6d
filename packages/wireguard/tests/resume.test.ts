/** After sleep: sessions of before are over, and those in use are made anew at once. */
import { ENDPOINT } from '@pcloud/ip';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createQuickCrypto } from './sim/crypto.ts';
import { kindOf, sentBy } from './sim/messages.ts';
import { packet, type SimNetwork } from './sim/network.ts';
import { contextOf, createPair, createStrangers, forge, type Pair, receive } from './sim/session.ts';

const quick = createQuickCrypto();

function resume({ network, left }: Pair): void {
  left.device.handleResume(network.now);
  left.drain();
}

/** Time in which the left sleeps: nothing reaches it and it does nothing. */
function sleep(network: SimNetwork, pair: Pair, ms: number): void {
  const { wake } = pair.left;
  network.filter = ({ to }) => to !== pair.left.address;
  pair.left.wake = { kind: 'timeout', at: Number.POSITIVE_INFINITY, reason: 'none' };
  network.run(ms);
  pair.left.wake = wake;
  network.filter = () => true;
}

test('sessions are over with their keys, and a handshake is sent at once', () => {
  const pair = createPair(1, quick);
  const { network, left, leftPeer } = pair;
  const { current } = leftPeer.keypairs;
  resume(pair);
  assert.is(leftPeer.keypairs.current, undefined);
  assert.is(contextOf(leftPeer).indices.get(current!.localIndex)?.kind, undefined);
  assert.is(left.plane.keys.size, 0);
  assert.equal(network.sent.map(kindOf), ['initiation']);
});

test('the handshake does not wait for 5 s since the last one', () => {
  const pair = createStrangers(1, quick);
  const { network, left, right } = pair;
  left.send(packet(left, right));
  network.run(1_000);
  resume(pair);
  assert.is(sentBy(network, left, 'initiation').length, 2);
});

test('data flows one round trip after waking, however long the sleep', () => {
  for (const seconds of [30, 150, 200, 1_000, 100_000]) {
    const pair = createPair(1, quick);
    const { network, left, right } = pair;
    sleep(network, pair, seconds * 1_000);
    resume(pair);
    left.send(packet(left, right, 5));
    network.run(3 * network.link.delayMs);
    assert.equal(right.plane.delivered, [packet(left, right, 5)], `${seconds} s`);
    right.send(packet(right, left, 6));
    network.run(network.link.delayMs);
    assert.equal(left.plane.delivered, [packet(right, left, 6)], `${seconds} s`);
  }
});

test('the other side uses the new session with the packet that confirms it', () => {
  const pair = createPair(1, quick);
  const { network, left, right } = pair;
  resume(pair);
  network.run(30);
  right.send(packet(right, left));
  network.run(10);
  assert.is(left.plane.delivered.length, 1);
  assert.is(sentBy(network, right, 'initiation').length, 0);
});

test('a packet under a session of before is dropped', () => {
  const pair = createPair(1, quick);
  const { left, right, rightPeer } = pair;
  const message = forge(right, rightPeer, packet(right, left));
  resume(pair);
  receive(left, { datagram: message, from: right.address });
  assert.is(left.plane.delivered.length, 0);
  assert.is(left.device.counters['unknown-index-dropped'], 1);
});

test('an initiation of before the sleep is not answered to any more', () => {
  const pair = createStrangers(1, quick);
  const { network, left, right, leftPeer } = pair;
  network.link.delayMs = 2_000;
  left.send(packet(left, right));
  network.run(3_000);
  const [initiation] = leftPeer.initiations;
  resume(pair);
  assert.is(contextOf(leftPeer).indices.get(initiation!.localIndex), undefined);
  network.run(1_500);
  assert.is(left.device.counters['unknown-index-dropped'], 1);
  // What waited starts the next one.
  network.run(10_000);
  assert.is(right.plane.delivered.length, 1);
});

test('a peer without a session is left alone, unless it has a persistent keepalive', () => {
  for (const [seconds, sent] of [
    [0, 0],
    [25, 1],
  ] as const) {
    const pair = createStrangers(1, quick);
    const { network, left, leftPeer } = pair;
    network.filter = () => false;
    leftPeer.setKeepaliveInterval(seconds, network.now);
    resume(pair);
    assert.is(sentBy(network, left, 'initiation').length, sent, `${seconds} s`);
  }
});

test('a device that is down stays silent', () => {
  const pair = createPair(1, quick);
  const { network, left, leftPeer } = pair;
  leftPeer.setKeepaliveInterval(25, network.now);
  left.device.down(network.now);
  resume(pair);
  network.run(60_000);
  assert.is(network.sent.filter(({ from }) => from === left.address).length, 0);
});

test('the cached source is forgotten, for the machine may be elsewhere', () => {
  const pair = createPair(1, quick);
  const { left, right, leftPeer, rightPeer } = pair;
  const local = { address: 0x0a0000c0, interface: 3 };
  receive(left, { datagram: forge(right, rightPeer, new Uint8Array(0)), from: right.address, local });
  assert.is(leftPeer.copyEndpoint()![ENDPOINT.HAS_SOURCE], 1);
  resume(pair);
  assert.is(leftPeer.copyEndpoint()![ENDPOINT.HAS_SOURCE], 0);
});

test('a handshake after waking that stays unanswered is repeated like any other', () => {
  const pair = createPair(1, quick);
  const { network, left } = pair;
  network.filter = () => false;
  resume(pair);
  network.run(200_000);
  assert.is(sentBy(network, left, 'initiation').length, 20);
  assert.is(left.events.at(-1)!.event, 'handshake-failed');
});

test.run();
