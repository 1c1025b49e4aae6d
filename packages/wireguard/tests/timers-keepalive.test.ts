/** The passive keepalive, and the new handshake where none comes: whitepaper 6.5. */
import { ENDPOINT } from '@pcloud/ip';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { initiateHandshake } from '../src/handshakes.ts';
import { createQuickCrypto } from './sim/crypto.ts';
import { kindOf, sentBy } from './sim/messages.ts';
import { packet } from './sim/network.ts';
import {
  contextOf,
  createPair,
  createQuietPair,
  createStrangers,
  forge,
  receive,
  receiveKeepalive,
} from './sim/session.ts';

const quick = createQuickCrypto();
const nobody = (): boolean => false;

test('data that is not answered by data is answered by one keepalive after 10 s', () => {
  const { network, left, right } = createQuietPair(quick);
  left.send(packet(left, right));
  const arrivesAt = network.now + network.link.delayMs;
  network.run(60_000);
  const keepalives = sentBy(network, right, 'keepalive');
  assert.equal(
    keepalives.map(({ at }) => at),
    [arrivesAt + 10_000],
  );
  assert.equal(network.sent.map(kindOf), ['transport', 'keepalive']);
});

test('more data while a keepalive is pending brings another one 10 s after it, and no third', () => {
  const { network, left, right } = createQuietPair(quick);
  const arrivesAt = network.now + network.link.delayMs;
  left.send(packet(left, right));
  network.run(3_000);
  left.send(packet(left, right));
  network.run(60_000);
  assert.equal(
    sentBy(network, right, 'keepalive').map(({ at }) => at),
    [arrivesAt + 10_000, arrivesAt + 20_000],
  );
});

test('data under way takes the place of the keepalive, and of the one that would follow', () => {
  const { network, left, right } = createQuietPair(quick);
  left.send(packet(left, right));
  network.run(1_000);
  left.send(packet(left, right));
  network.run(1_000);
  right.send(packet(right, left));
  network.run(1_000);
  left.send(packet(left, right));
  const arrivesAt = network.now + network.link.delayMs;
  network.run(60_000);
  // The third packet is alone since the answer.
  assert.equal(
    sentBy(network, right, 'keepalive').map(({ at }) => at),
    [arrivesAt + 10_000],
  );
});

test('a handshake message takes the place of the keepalive', () => {
  const { network, left, right, leftPeer } = createQuietPair(quick);
  left.send(packet(left, right));
  network.run(5_000);
  leftPeer.lastHandshakeSentAt = Number.NEGATIVE_INFINITY;
  initiateHandshake(contextOf(leftPeer), leftPeer, network.now, false);
  left.drain();
  network.run(60_000);
  assert.is(sentBy(network, right, 'response').length, 1);
  assert.is(sentBy(network, right, 'keepalive').length, 0);
});

test('keepalives do not answer keepalives: a session is silent for 60 s after the last one', () => {
  const { network } = createPair(1, quick);
  network.run(60_000);
  assert.equal(network.sent.map(kindOf), ['keepalive']);
});

test('data that stays unanswered starts a handshake after 15 s and less than 334 ms', () => {
  const delays: number[] = [];
  for (let seed = 1; seed <= 40; seed++) {
    const { network, left, right } = createPair(seed, quick);
    network.filter = nobody;
    const sentAt = network.now;
    left.send(packet(left, right));
    network.run(20_000);
    delays.push(sentBy(network, left, 'initiation')[0]!.at - sentAt);
  }
  assert.ok(Math.min(...delays) >= 15_000 && Math.max(...delays) < 15_334);
  assert.ok(Math.max(...delays) - Math.min(...delays) > 200, 'spread');
});

test('it is the first unanswered packet from which the 15 s count', () => {
  const { network, left, right } = createQuietPair(quick);
  network.filter = nobody;
  const sentAt = network.now;
  for (let second = 0; second < 16; second++) {
    left.send(packet(left, right));
    network.run(1_000);
  }
  const waited = sentBy(network, left, 'initiation')[0]!.at - sentAt;
  assert.ok(waited < 15_334, `${waited}`);
});

test('anything that verifies calls the new handshake off, a keepalive too', () => {
  const pair = createQuietPair(quick);
  const { network, left, right } = pair;
  network.filter = nobody;
  left.send(packet(left, right));
  network.run(14_900);
  receiveKeepalive(pair);
  network.run(30_000);
  assert.is(sentBy(network, left, 'initiation').length, 0);
});

test('a keepalive that stays unanswered starts no handshake', () => {
  const { network, left, right } = createQuietPair(quick);
  right.send(packet(right, left));
  network.run(20);
  network.filter = nobody;
  network.run(60_000);
  assert.is(sentBy(network, left, 'keepalive').length, 1);
  assert.is(sentBy(network, left, 'initiation').length, 0);
});

test('a handshake after 15 s forgets the cached source, and the session goes on meanwhile', () => {
  const { network, left, right, leftPeer, rightPeer } = createQuietPair(quick);
  const local = { address: 0x0a0000c0, interface: 3 };
  receive(left, { datagram: forge(right, rightPeer, new Uint8Array(0)), from: right.address, local });
  const { current } = leftPeer.keypairs;
  network.filter = nobody;
  left.send(packet(left, right));
  network.run(14_900);
  assert.is(leftPeer.copyEndpoint()![ENDPOINT.HAS_SOURCE], 1);
  network.run(500);
  assert.is(leftPeer.copyEndpoint()![ENDPOINT.HAS_SOURCE], 0);
  assert.is(leftPeer.keypairs.current, current);
  network.filter = () => true;
  left.send(packet(left, right, 9));
  network.run(100);
  assert.is(right.plane.delivered.length, 1);
});

test('packets that wait take the place of the keepalive that confirms a session', () => {
  const { network, left, right } = createStrangers();
  for (let id = 0; id < 3; id++) left.send(packet(left, right, id));
  network.run(5_000);
  assert.equal(network.sent.map(kindOf), ['initiation', 'response', 'transport', 'transport', 'transport']);
});

test.run();
