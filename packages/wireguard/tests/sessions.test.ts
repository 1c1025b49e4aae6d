/** A peer's three sessions, how they follow each other, and how long they live: whitepaper 6.1 to 6.3. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { initiateHandshake } from '../src/handshakes.ts';
import { readWord } from '../src/messages.ts';
import type { PeerState } from '../src/peer.ts';
import { createQuickCrypto } from './sim/crypto.ts';
import { sentBy } from './sim/messages.ts';
import { packet, type SimHost, type SimNetwork } from './sim/network.ts';
import { contextOf, createPair, createStrangers, forge, receive } from './sim/session.ts';

const quick = createQuickCrypto();

/** Has a host initiate now, whenever it did last. */
function initiate(network: SimNetwork, host: SimHost, peer: PeerState): void {
  peer.lastHandshakeSentAt = Number.NEGATIVE_INFINITY;
  initiateHandshake(contextOf(peer), peer, network.now, false);
  host.drain();
}

test('the initiator uses a new session at once and receives under the one before', () => {
  const { network, left, leftPeer } = createPair(1, quick);
  const first = leftPeer.keypairs.current!;
  network.filter = ({ from }) => from === left.address || network.sent.length < 3;
  initiate(network, left, leftPeer);
  network.run(100);
  assert.is.not(leftPeer.keypairs.current, first);
  assert.ok(leftPeer.keypairs.current!.isInitiator);
  assert.is(leftPeer.keypairs.previous, first);
  assert.is(leftPeer.keypairs.next, undefined);
});

test('the session before the last is gone from the initiator with its keys', () => {
  const { network, left, leftPeer } = createPair(1, quick);
  const first = leftPeer.keypairs.current!;
  for (let renewals = 0; renewals < 4; renewals++) {
    initiate(network, left, leftPeer);
    network.run(100);
  }
  assert.is(contextOf(leftPeer).indices.get(first.localIndex), undefined);
  assert.is(contextOf(leftPeer).indices.size, 2);
  assert.is(left.plane.keys.size, 4);
});

test('the responder keeps a new session for later and sends under the one before', () => {
  const { network, left, right, leftPeer, rightPeer } = createPair(1, quick);
  const first = rightPeer.keypairs.current!;
  network.filter = ({ from }) => from === left.address;
  initiate(network, left, leftPeer);
  network.run(100);
  assert.is(rightPeer.keypairs.current, first);
  assert.ok(rightPeer.keypairs.next);
  right.send(packet(right, left));
  const [sent] = sentBy(network, right, 'transport');
  assert.is(readWord(sent!.datagram, 4), first.remoteIndex);
});

test('the responder takes the new session with the first packet that verifies under it', () => {
  const { network, left, right, leftPeer, rightPeer } = createPair(1, quick);
  const first = rightPeer.keypairs.current!;
  network.filter = ({ datagram }) => datagram[0] !== 4;
  initiate(network, left, leftPeer);
  network.run(100);
  const { next } = rightPeer.keypairs;
  const forged = forge(left, leftPeer, new Uint8Array(0));
  forged[20]! ^= 1;
  receive(right, { datagram: forged });
  assert.is(rightPeer.keypairs.next, next, 'not for one that does not');
  receive(right, { datagram: forge(left, leftPeer, new Uint8Array(0)) });
  assert.is(rightPeer.keypairs.current, next);
  assert.is(rightPeer.keypairs.previous, first);
  assert.is(rightPeer.keypairs.next, undefined);
});

test('an initiation drops what the responder had before its current session, and an unused new one', () => {
  const { network, left, right, leftPeer, rightPeer } = createPair(1, quick);
  const first = rightPeer.keypairs.current!;
  initiate(network, left, leftPeer);
  network.run(100);
  assert.is(rightPeer.keypairs.previous, first);
  const second = rightPeer.keypairs.current!;
  network.filter = ({ from }) => from === left.address;
  initiate(network, left, leftPeer);
  network.run(100);
  const unused = rightPeer.keypairs.next!;
  assert.is(rightPeer.keypairs.previous, undefined);
  assert.is(contextOf(rightPeer).indices.get(first.localIndex), undefined);
  initiate(network, left, leftPeer);
  network.run(100);
  assert.is.not(rightPeer.keypairs.next, unused);
  assert.is(rightPeer.keypairs.current, second);
  assert.is(contextOf(rightPeer).indices.get(unused.localIndex), undefined);
  assert.is(right.plane.keys.size, 4);
});

test('an initiator that has an unused session of the other side keeps it to receive under, and drops the current one', () => {
  const { network, left, right, leftPeer, rightPeer } = createPair(1, quick);
  const first = rightPeer.keypairs.current!;
  network.filter = ({ from }) => from === left.address;
  initiate(network, left, leftPeer);
  network.run(100);
  const unused = rightPeer.keypairs.next!;
  network.filter = () => true;
  initiate(network, right, rightPeer);
  network.run(15);
  network.filter = () => false;
  network.run(100);
  assert.ok(rightPeer.keypairs.current!.isInitiator);
  assert.is(rightPeer.keypairs.previous, unused);
  assert.is(rightPeer.keypairs.next, undefined);
  assert.is(contextOf(rightPeer).indices.get(first.localIndex), undefined);
});

test('packets on their way while a session is renewed arrive under the one before', () => {
  for (const isReverse of [false, true]) {
    const { network, left, right, leftPeer, rightPeer } = createPair(1, quick);
    const [from, to, fromPeer] = isReverse ? [right, left, rightPeer] : [left, right, leftPeer];
    const message = forge(from, fromPeer, packet(from, to, 7));
    initiate(network, left, leftPeer);
    network.run(1_000);
    receive(to, { datagram: message, from: from.address });
    assert.equal(to.plane.delivered, [packet(from, to, 7)]);
  }
});

test('a session takes packets until it is 180 s old', () => {
  const { network, left, right, leftPeer, rightPeer } = createPair(1, quick);
  const { createdAt } = rightPeer.keypairs.current!;
  for (const [age, accepted] of [
    [179_999, true],
    [180_000, false],
  ] as const) {
    network.runTo(createdAt + age);
    receive(right, { datagram: forge(left, leftPeer, new Uint8Array(0)) });
    assert.is(right.device.counters['expired-key-dropped'], accepted ? 0 : 1, `${age} ms`);
  }
});

test('a responder sends under a session until it is 180 s old', () => {
  for (const [age, kind] of [
    [179_999, 'transport'],
    [180_000, 'initiation'],
  ] as const) {
    const { network, left, right, rightPeer } = createPair(1, quick);
    network.runTo(rightPeer.keypairs.current!.createdAt + age);
    network.sent.length = 0;
    right.send(packet(right, left));
    assert.is(sentBy(network, right, kind).length, 1, `${age} ms`);
    assert.is(network.sent.length, 1, `${age} ms`);
  }
});

test('an initiator sends under a session until 180 s after its initiation', () => {
  for (const [age, transports] of [
    [179_999, 1],
    [180_000, 0],
  ] as const) {
    const { network, left, right, leftPeer } = createPair(1, quick);
    network.runTo(leftPeer.keypairs.current!.initiatedAt + age);
    network.sent.length = 0;
    left.send(packet(left, right));
    assert.is(sentBy(network, left, 'transport').length, transports, `${age} ms`);
    assert.is(sentBy(network, left, 'initiation').length, 1, `${age} ms`);
  }
});

test('data sent from 170 s to 181 s after a handshake arrives, on links of any delay', () => {
  const ages = [170_000, 175_000, 179_000];
  for (let age = 179_500; age <= 180_400; age += 50) ages.push(age);
  ages.push(181_000);
  for (const delayMs of [1, 50, 400]) {
    for (const isReverse of [false, true]) {
      for (const age of ages) {
        const { network, left, right } = createStrangers(1, quick);
        network.link.delayMs = delayMs;
        const start = network.now;
        left.send(packet(left, right));
        network.runTo(start + age);
        const [from, to] = isReverse ? [right, left] : [left, right];
        from.send(packet(from, to, age));
        network.run(6 * delayMs);
        const expected = packet(from, to, age);
        const what = `delay ${delayMs} ms, after ${age} ms, ${isReverse ? 'responder' : 'initiator'} sends`;
        assert.equal(to.plane.delivered.at(-1), expected, what);
      }
    }
  }
});

test('steady data both ways over ten sessions loses nothing', () => {
  const { network, left, right } = createPair(1, quick);
  network.link.jitterMs = 5;
  for (let id = 0; id < 1_300; id++) {
    left.send(packet(left, right, id));
    right.send(packet(right, left, id));
    network.run(1_000);
  }
  assert.is(right.plane.delivered.length, 1_300);
  assert.is(left.plane.delivered.length, 1_300);
  const initiations = sentBy(network, left, 'initiation').length + sentBy(network, right, 'initiation').length;
  assert.is(initiations, 10);
});

test('1,000 handshakes, some lost, leave no index and no key behind', () => {
  const { network, left, right, leftPeer, rightPeer } = createStrangers(1, quick);
  network.link.loss = 0.2;
  for (let round = 0; round < 1_000; round++) {
    const isLeft = network.random.fraction() < 0.5;
    initiate(network, isLeft ? left : right, isLeft ? leftPeer : rightPeer);
    if (network.random.fraction() < 0.3) initiate(network, isLeft ? right : left, isLeft ? rightPeer : leftPeer);
    network.run(45);
    for (const [host, peer] of [
      [left, leftPeer],
      [right, rightPeer],
    ] as const) {
      const sessions = Object.values(peer.keypairs).filter((keypair) => keypair !== undefined).length;
      assert.is(contextOf(peer).indices.size, sessions + peer.initiations.length, `${host.name}, round ${round}`);
      assert.is(host.plane.keys.size, 2 * sessions, `${host.name}, round ${round}`);
      assert.ok(peer.initiations.length <= 2);
    }
  }
  assert.ok(left.device.counters['responses-received'] > 300);
  network.link.loss = 0;
  network.run(700_000);
  for (const [host, peer] of [
    [left, leftPeer],
    [right, rightPeer],
  ] as const) {
    assert.is(contextOf(peer).indices.size, 0, host.name);
    assert.is(host.plane.keys.size, 0, host.name);
  }
});

test.run();
