/** Renewing a session before it ends: whitepaper 6.2. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createQuickCrypto } from './sim/crypto.ts';
import { sentBy } from './sim/messages.ts';
import { packet } from './sim/network.ts';
import { createPair, createQuietPair, forge, receive, receiveKeepalive } from './sim/session.ts';

const quick = createQuickCrypto();
const nobody = (): boolean => false;

test('only the initiator renews a session by age, on sending when it is over 120 s old', () => {
  const { network, left, right, leftPeer } = createPair(1, quick);
  const { createdAt } = leftPeer.keypairs.current!;
  network.runTo(createdAt + 120_000);
  left.send(packet(left, right));
  assert.is(sentBy(network, left, 'initiation').length, 0);
  network.filter = nobody;
  network.runTo(createdAt + 120_001);
  left.send(packet(left, right));
  assert.is(sentBy(network, left, 'initiation').length, 1);
});

test('a responder does not renew a session by age', () => {
  const { network, left, right, leftPeer, rightPeer } = createQuietPair(quick);
  network.filter = nobody;
  const { createdAt } = rightPeer.keypairs.current!;
  for (const age of [121_000, 150_000, 179_000]) {
    network.runTo(createdAt + age);
    right.send(packet(right, left));
    // Or its silence would be a reason.
    receive(right, { datagram: forge(left, leftPeer, new Uint8Array(0)), from: left.address });
  }
  assert.is(sentBy(network, right, 'initiation').length, 0);
});

test('the initiator renews a session on receiving when it is over 165 s old, once', () => {
  const pair = createPair(1, quick);
  const { network, left, leftPeer } = pair;
  const { createdAt } = leftPeer.keypairs.current!;
  network.run(60_000);
  network.filter = nobody;
  network.sent.length = 0;
  network.runTo(createdAt + 165_000);
  receiveKeepalive(pair);
  assert.is(sentBy(network, left, 'initiation').length, 0);
  network.runTo(createdAt + 165_001);
  receiveKeepalive(pair);
  assert.is(sentBy(network, left, 'initiation').length, 1);
  // Without the retransmission that would follow.
  leftPeer.timers.retransmitHandshake = Number.POSITIVE_INFINITY;
  network.runTo(createdAt + 172_000);
  receiveKeepalive(pair);
  network.run(100);
  assert.is(sentBy(network, left, 'initiation').length, 1);
});

test('the next session is renewed on receiving as well', () => {
  const pair = createPair(1, quick);
  const { network, left, leftPeer } = pair;
  for (let session = 1; session <= 3; session++) {
    network.runTo(leftPeer.keypairs.current!.createdAt + 166_000);
    receiveKeepalive(pair);
    network.run(100);
    assert.is(sentBy(network, left, 'initiation').length, session);
  }
});

test('a responder does not renew a session on receiving', () => {
  const { network, left, right, leftPeer, rightPeer } = createQuietPair(quick);
  network.filter = nobody;
  network.runTo(rightPeer.keypairs.current!.createdAt + 170_000);
  receive(right, { datagram: forge(left, leftPeer, new Uint8Array(0)) });
  assert.is(sentBy(network, right, 'initiation').length, 0);
});

test.run();
