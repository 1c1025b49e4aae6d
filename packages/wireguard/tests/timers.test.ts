/** The end of keys, and deadlines as the driver sees them: whitepaper 6.3. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createQuickCrypto } from './sim/crypto.ts';
import { sentBy } from './sim/messages.ts';
import { createSimNetwork, packet } from './sim/network.ts';
import { contextOf, createPair, createStrangers } from './sim/session.ts';

const quick = createQuickCrypto();
const nobody = (): boolean => false;

test('keys are zeroed 540 s after the last session was made', () => {
  const { network, left, right, leftPeer, rightPeer } = createPair(1, quick);
  const sides = [
    { host: right, peer: rightPeer, zeroAt: rightPeer.keypairs.current!.createdAt + 540_000 },
    { host: left, peer: leftPeer, zeroAt: leftPeer.keypairs.current!.createdAt + 540_000 },
  ];
  for (const { host, peer, zeroAt } of sides) {
    network.runTo(zeroAt - 1);
    assert.is(host.plane.keys.size, 2, host.name);
    network.runTo(zeroAt);
    assert.is(host.plane.keys.size, 0, host.name);
    assert.is(contextOf(peer).indices.size, 0, host.name);
    assert.is(peer.keypairs.current, undefined, host.name);
  }
});

test('a new session puts the zeroing off', () => {
  const { network, left, right, leftPeer } = createPair(1, quick);
  const first = leftPeer.keypairs.current!.createdAt;
  network.run(400_000);
  left.send(packet(left, right));
  network.runTo(first + 541_000);
  assert.is(left.plane.keys.size, 4);
});

test('a handshake under way when the keys are zeroed is not lost', () => {
  const { network, left, right, leftPeer } = createPair(1, quick);
  network.runTo(leftPeer.keypairs.current!.createdAt + 540_000 - 5);
  left.send(packet(left, right));
  network.run(100);
  assert.is(right.plane.delivered.length, 1);
  assert.is(sentBy(network, left, 'initiation').length, 1);
});

test('a deadline that is not reached yet changes nothing', () => {
  const { network, left, right } = createStrangers();
  network.filter = nobody;
  left.send(packet(left, right));
  const { wake } = left;
  network.run(4_000);
  left.device.handleTimeout(network.now);
  assert.equal(left.device.pollOutput(network.now), wake);
});

test('every deadline says what it is for', () => {
  const { network, left, right, leftPeer } = createStrangers(1, quick);
  assert.equal(left.wake, { kind: 'timeout', at: Number.POSITIVE_INFINITY, reason: 'none' });
  left.send(packet(left, right));
  assert.is(left.wake.reason, 'retransmit-handshake');
  network.run(100);
  assert.is(left.wake.reason, 'new-handshake');
  right.send(packet(right, left));
  network.run(100);
  assert.is(left.wake.reason, 'keepalive');
  network.run(60_000);
  assert.is(left.wake.reason, 'zero-keys');
  leftPeer.setKeepaliveInterval(25, network.now);
  leftPeer.start(network.now);
  left.drain();
  assert.is(left.wake.reason, 'persistent-keepalive');
  leftPeer.setKeepaliveInterval(0, network.now);
  network.filter = nobody;
  left.send(packet(left, right));
  network.runUntil(() => left.events.at(-1)!.event === 'handshake-failed', 200_000);
  assert.is(left.wake.reason, 'forget-initiations');
});

test('10,000 idle peers have no deadline', () => {
  const network = createSimNetwork();
  const host = network.addHost('host', {}, { ...quick, sharedSecret: (_, publicKey) => publicKey });
  for (let i = 0; i < 10_000; i++) host.device.addPeer(network.random.key(), network.now);
  host.drain();
  assert.equal(host.wake, { kind: 'timeout', at: Number.POSITIVE_INFINITY, reason: 'none' });
});

test('a peer that was spoken to has no deadline once its keys are zeroed', () => {
  const { network, left, right } = createPair(1, quick);
  network.run(600_000);
  for (const host of [left, right]) assert.is(host.wake.reason, 'none', host.name);
  const sent = network.sent.length;
  network.run(86_400_000);
  assert.is(network.sent.length, sent);
});

test.run();
