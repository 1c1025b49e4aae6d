/** The timers of whitepaper 6: retransmission, keepalives, new handshakes, renewal. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { initiateHandshake } from '../src/handshakes.ts';
import { createQuickCrypto } from './sim/crypto.ts';
import { kindOf, sentBy } from './sim/messages.ts';
import { createSimNetwork, packet } from './sim/network.ts';
import { contextOf, createPair, createStrangers, forge, type Pair, receive } from './sim/session.ts';

const quick = createQuickCrypto();
const nobody = (): boolean => false;

/** A keepalive of the peer's, as the host receives it. */
function receiveKeepalive({ left, rightPeer, right }: Pair): void {
  receive(left, { datagram: forge(right, rightPeer, new Uint8Array(0)), from: right.address });
}

/** A session in which nothing is owed to anybody any more. */
function createQuietPair(): Pair {
  const pair = createPair(1, quick);
  pair.network.run(30_000);
  pair.network.sent.length = 0;
  return pair;
}

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

test('data that is not answered by data is answered by one keepalive after 10 s', () => {
  const { network, left, right } = createQuietPair();
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
  const { network, left, right } = createQuietPair();
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
  const { network, left, right } = createQuietPair();
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
  const { network, left, right, leftPeer } = createQuietPair();
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
  const { network, left, right } = createQuietPair();
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
  const pair = createQuietPair();
  const { network, left, right } = pair;
  network.filter = nobody;
  left.send(packet(left, right));
  network.run(14_900);
  receiveKeepalive(pair);
  network.run(30_000);
  assert.is(sentBy(network, left, 'initiation').length, 0);
});

test('a keepalive that stays unanswered starts no handshake', () => {
  const { network, left, right } = createQuietPair();
  right.send(packet(right, left));
  network.run(20);
  network.filter = nobody;
  network.run(60_000);
  assert.is(sentBy(network, left, 'keepalive').length, 1);
  assert.is(sentBy(network, left, 'initiation').length, 0);
});

test('a handshake after 15 s clears the cached source and the session goes on meanwhile', () => {
  const { network, left, right, leftPeer } = createQuietPair();
  const { current } = leftPeer.keypairs;
  network.filter = nobody;
  left.send(packet(left, right));
  network.run(15_400);
  assert.is(leftPeer.keypairs.current, current);
  network.filter = () => true;
  left.send(packet(left, right, 9));
  network.run(100);
  assert.is(right.plane.delivered.length, 1);
});

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
  const { network, left, right, leftPeer, rightPeer } = createQuietPair();
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
  const { network, left, right, leftPeer, rightPeer } = createQuietPair();
  network.filter = nobody;
  network.runTo(rightPeer.keypairs.current!.createdAt + 170_000);
  receive(right, { datagram: forge(left, leftPeer, new Uint8Array(0)) });
  assert.is(sentBy(network, right, 'initiation').length, 0);
});

test('packets that wait take the place of the keepalive that confirms a session', () => {
  const { network, left, right } = createStrangers();
  for (let id = 0; id < 3; id++) left.send(packet(left, right, id));
  network.run(5_000);
  assert.equal(network.sent.map(kindOf), ['initiation', 'response', 'transport', 'transport', 'transport']);
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
