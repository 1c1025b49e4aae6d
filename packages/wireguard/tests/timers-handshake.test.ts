/** Repeating and giving up a handshake, and how often there may be one: whitepaper 6.4. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { initiateHandshake } from '../src/handshakes.ts';
import { createQuickCrypto } from './sim/crypto.ts';
import { sentBy } from './sim/messages.ts';
import { packet } from './sim/network.ts';
import { contextOf, createPair, createStrangers } from './sim/session.ts';

const quick = createQuickCrypto();
const nobody = (): boolean => false;

test('an unanswered initiation is repeated 19 times, 5 s and less than 334 ms after the last, then given up', () => {
  const gaps: number[] = [];
  for (let seed = 1; seed <= 5; seed++) {
    const { network, left, right } = createStrangers(seed, quick);
    network.filter = nobody;
    const startedAt = network.now;
    left.send(packet(left, right));
    network.run(300_000);
    const sent = sentBy(network, left, 'initiation');
    assert.is(sent.length, 20, `seed ${seed}`);
    for (let i = 1; i < sent.length; i++) gaps.push(sent[i]!.at - sent[i - 1]!.at);
    assert.is(left.events.filter(({ event }) => event === 'handshake-retry').length, 19);
    const [failed, ...more] = left.events.filter(({ event }) => event === 'handshake-failed');
    assert.is(more.length, 0);
    const took = failed!.at - startedAt;
    assert.ok(took >= 100_000 && took < 106_680, `seed ${seed}: ${took} ms`);
  }
  assert.ok(Math.min(...gaps) >= 5_000, `${Math.min(...gaps)}`);
  assert.ok(Math.max(...gaps) < 5_334, `${Math.max(...gaps)}`);
  // Spread over all of the range: 95 draws leave a tenth at either end empty once in ten thousand runs.
  assert.ok(Math.min(...gaps) < 5_034 && Math.max(...gaps) > 5_300);
});

test('each repetition is a message of its own', () => {
  const { network, left, right } = createStrangers(1, quick);
  network.filter = nobody;
  left.send(packet(left, right));
  network.run(120_000);
  const ephemerals = sentBy(network, left, 'initiation').map(({ datagram }) => String(datagram.subarray(8, 40)));
  const indices = sentBy(network, left, 'initiation').map(({ datagram }) => String(datagram.subarray(4, 8)));
  assert.is(new Set(ephemerals).size, 20);
  assert.is(new Set(indices).size, 20);
});

test('giving up drops what waits and the pending keepalive', () => {
  const { network, left, right, leftPeer } = createStrangers(1, quick);
  network.filter = nobody;
  for (let id = 0; id < 3; id++) left.send(packet(left, right, id));
  network.runUntil(() => network.sent.length === 20, 110_000);
  assert.is(leftPeer.staged.packets, 3);
  leftPeer.timers.keepalive = network.now + 9_000;
  leftPeer.timers.needsAnotherKeepalive = true;
  network.run(5_400);
  assert.is(leftPeer.staged.packets, 0);
  assert.is(left.device.counters['staged-dropped'], 3);
  assert.is(leftPeer.timers.keepalive, Number.POSITIVE_INFINITY);
  assert.not(leftPeer.timers.needsAnotherKeepalive);
});

test('giving up has the keys zeroed 540 s later where that was not due yet', () => {
  const { network, left, right, leftPeer } = createStrangers(1, quick);
  network.filter = nobody;
  left.send(packet(left, right));
  network.run(120_000);
  const failedAt = left.events.at(-1)!.at;
  assert.is(leftPeer.timers.zeroKeys, failedAt + 540_000);
});

test('giving up leaves the moment at which the keys of the last session are zeroed', () => {
  const { network, left, right, leftPeer } = createPair(1, quick);
  const zeroAt = leftPeer.timers.zeroKeys;
  network.filter = nobody;
  left.send(packet(left, right));
  network.run(150_000);
  assert.is(left.events.at(-1)!.event, 'handshake-failed');
  assert.is(leftPeer.timers.zeroKeys, zeroAt);
});

test('a packet after giving up starts all over', () => {
  const { network, left, right } = createStrangers(1, quick);
  network.filter = nobody;
  left.send(packet(left, right));
  network.run(200_000);
  network.sent.length = 0;
  left.send(packet(left, right));
  network.run(200_000);
  assert.is(sentBy(network, left, 'initiation').length, 20);
});

test('an answer ends the repetitions, and the next handshake has all of them again', () => {
  const { network, left, right, leftPeer } = createStrangers(1, quick);
  network.filter = nobody;
  left.send(packet(left, right));
  network.run(50_000);
  network.filter = () => true;
  network.run(10_000);
  assert.is(right.plane.delivered.length, 1);
  assert.is(leftPeer.handshakeAttempts, 0);
  network.filter = nobody;
  network.run(200_000);
  network.sent.length = 0;
  left.send(packet(left, right));
  network.run(200_000);
  assert.is(sentBy(network, left, 'initiation').length, 20);
});

test('a handshake that the other side began and did not finish is made up for by one of our own', () => {
  const { network, left, right } = createStrangers(1, quick);
  // The responses are lost, and then the left is gone.
  network.filter = ({ from }) => from !== right.address;
  left.send(packet(left, right));
  network.run(100);
  left.device.down(network.now);
  left.drain();
  const [response] = sentBy(network, right, 'response');
  right.send(packet(right, left));
  network.run(300_000);
  const initiations = sentBy(network, right, 'initiation');
  const waited = initiations[0]!.at - response!.at;
  assert.ok(waited >= 5_000 && waited < 5_334, `${waited}`);
  assert.is(right.events.at(-1)!.event, 'handshake-failed');
  assert.is(right.device.counters['staged-dropped'], 1);
});

test('a retransmission that meets a response just sent comes 5 s after it', () => {
  const { network, left, right, leftPeer, rightPeer } = createStrangers(1, quick);
  network.filter = ({ from }) => from !== left.address;
  left.send(packet(left, right));
  network.run(3_000);
  initiateHandshake(contextOf(rightPeer), rightPeer, network.now, false);
  right.drain();
  network.run(100);
  const [response] = sentBy(network, left, 'response');
  assert.ok(response);
  network.filter = nobody;
  network.run(8_000);
  const [, second] = sentBy(network, left, 'initiation');
  assert.ok(second!.at - response.at >= 5_000 && second!.at - response.at < 5_334);
  assert.is(leftPeer.handshakeAttempts, 1);
});

test('a peer starts one initiation in 5 s at most, however much is to be sent', () => {
  const { network, left, right } = createStrangers(1, quick);
  network.filter = nobody;
  for (let i = 0; i < 300; i++) {
    left.send(packet(left, right, i));
    network.run(100);
  }
  const sent = sentBy(network, left, 'initiation');
  assert.is(sent.length, 6);
  for (let i = 1; i < sent.length; i++) assert.ok(sent[i]!.at - sent[i - 1]!.at >= 5_000);
});

test('a response counts for the 5 s between initiations', () => {
  const { network, left, right } = createStrangers(1, quick);
  network.filter = ({ from }) => from !== right.address;
  left.send(packet(left, right));
  network.run(20);
  const [response] = sentBy(network, right, 'response');
  for (let i = 0; i < 49; i++) {
    right.send(packet(right, left, i));
    network.run(100);
  }
  assert.is(sentBy(network, right, 'initiation').length, 0);
  network.filter = nobody;
  network.run(1_000);
  assert.ok(sentBy(network, right, 'initiation')[0]!.at >= response!.at + 5_000);
});

test('an initiation sent at any fraction of a millisecond is forgotten after 10 s', () => {
  const { network, left, right, leftPeer } = createStrangers(1, quick);
  network.filter = nobody;
  let sentAt = network.now;
  // A moment from which ten seconds on and ten seconds back do not lead to itself.
  while (sentAt + 10_000 - 10_000 >= sentAt) sentAt += 0.1;
  network.runTo(sentAt);
  left.send(packet(left, right));
  leftPeer.timers.retransmitHandshake = Number.POSITIVE_INFINITY;
  contextOf(leftPeer).schedule(leftPeer);
  left.drain();
  assert.equal(left.wake, { kind: 'timeout', at: sentAt + 10_000, reason: 'forget-initiations' });
  left.device.handleTimeout(sentAt + 10_000);
  assert.is(leftPeer.initiations.length, 0);
  assert.is(contextOf(leftPeer).indices.size, 0);
});

test.run();
