/** Stamps of initiations as a device uses them: reserved before they are used, and ever growing. */
import { parseEndpoint } from '@pcloud/ip';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compareStamps, writeStamp } from '../src/tai64n.ts';
import { createQuickCrypto } from './sim/crypto.ts';
import { sentBy } from './sim/messages.ts';
import { connect, createSimNetwork, packet } from './sim/network.ts';
import { createStrangers, type Pair } from './sim/session.ts';

const quick = createQuickCrypto();

/** Has the left's device take a packet for the right, without draining it. */
function offer({ network, left, right }: Pair): void {
  left.plane.tunQueue.push(packet(left, right));
  const count = left.plane.tunReceive();
  left.device.handleFrames(count, network.now);
  left.device.handleSent(count, network.now);
}

/** What the left's device wants done, in order. */
function outputsOf({ network, left }: Pair): string[] {
  const kinds: string[] = [];
  for (;;) {
    const { kind } = left.device.pollOutput(network.now);
    if (kind === 'timeout') return kinds;
    kinds.push(kind);
  }
}

test('a stamp is reserved before the initiation that uses it is sent', () => {
  const pair = createStrangers(1, quick);
  offer(pair);
  assert.equal(outputsOf(pair), ['stamp', 'transmit']);
});

test('every stamp that a peer sees lies below what was reserved until then', () => {
  const { network, left, right, rightPeer } = createStrangers(1, quick);
  const seen: Uint8Array[] = [];
  for (let minute = 0; minute < 60; minute++) {
    left.send(packet(left, right));
    network.run(60_000);
    if (seen.length === 0 || compareStamps(rightPeer.latestStamp, seen.at(-1)!) !== 0) {
      seen.push(rightPeer.latestStamp.slice());
      assert.ok(compareStamps(rightPeer.latestStamp, left.stamps.at(-1)!) <= 0, `minute ${minute}`);
    }
  }
  assert.ok(seen.length >= 20);
});

test('a reservation lasts for ten minutes', () => {
  const { network, left, right } = createStrangers(1, quick);
  for (let minute = 0; minute < 60; minute++) {
    left.send(packet(left, right));
    network.run(60_000);
  }
  assert.ok(left.stamps.length >= 5 && left.stamps.length <= 6, `${left.stamps.length}`);
});

test('stamps grow while the wall clock jumps about, and every handshake is taken', () => {
  const { network, left, right, rightPeer } = createStrangers(1, quick);
  let last = rightPeer.latestStamp.slice();
  const steps = [0, -3_600_000, 86_400_000, -365 * 86_400_000, 1, -1_700_000_000_000, 1_700_000_000_000];
  for (const [round, step] of steps.entries()) {
    network.wallOffsetMs += step;
    left.send(packet(left, right));
    network.run(200_000);
    assert.is(right.plane.delivered.length, round + 1, `step ${step}`);
    assert.ok(compareStamps(rightPeer.latestStamp, last) > 0, `step ${step}`);
    last = rightPeer.latestStamp.slice();
  }
  assert.is(right.device.counters['replayed-handshake-dropped'], 0);
});

test('many peers at one moment do not push the stamps ahead of the clock', () => {
  const network = createSimNetwork();
  const left = network.addHost('left', {}, quick);
  const right = network.addHost('right', {}, quick);
  for (let number = 0; number < 300; number++) {
    const peer = left.device.addPeer(network.random.key(), network.now)!;
    peer.setEndpoint(parseEndpoint('192.0.2.99:1')!);
    peer.setKeepaliveInterval(25, network.now);
    peer.start(network.now);
  }
  left.drain();
  const { right: peer } = connect(left, right, network.now);
  left.send(packet(left, right));
  const now = new Uint8Array(12);
  writeStamp(network.now + network.wallOffsetMs, now, 0);
  assert.is(sentBy(network, left, 'initiation').length, 301);
  network.run(100);
  assert.equal((peer as Pair['rightPeer']).latestStamp, now);
});

test('initiations to one peer have greater stamps each time, though the clock stands still', () => {
  const { network, left, right, rightPeer } = createStrangers(1, quick);
  for (let round = 1; round <= 5; round++) {
    left.device.handleResume(network.now);
    left.send(packet(left, right));
    const before = rightPeer.latestStamp.slice();
    network.run(100);
    network.wallOffsetMs -= 100;
    assert.ok(compareStamps(rightPeer.latestStamp, before) > 0, `round ${round}`);
    assert.is(right.plane.delivered.length, round);
  }
});

test('the latest stamp is the one used last, or what was reserved before if that is greater', () => {
  const { network, left, right, rightPeer } = createStrangers(1, quick);
  assert.is(left.device.copyLatestStamp(), undefined);
  left.send(packet(left, right));
  network.run(100);
  assert.equal(left.device.copyLatestStamp(), rightPeer.latestStamp);
  const reserved = new Uint8Array(12);
  writeStamp(network.wallOffsetMs + 86_400_000, reserved, 0);
  left.device.reserveStamps(reserved);
  assert.equal(left.device.copyLatestStamp(), reserved);
});

test('a reservation is kept when the interface goes down before it was read', () => {
  const pair = createStrangers(1, quick);
  const { network, left, leftPeer } = pair;
  leftPeer.setKeepaliveInterval(25, network.now);
  left.device.handleResume(network.now);
  left.device.down(network.now);
  assert.equal(outputsOf(pair), ['stamp']);
});

test('stamps start behind what an earlier run reserved, told at the start or later', () => {
  const reserved = new Uint8Array(12);
  for (const isLater of [false, true]) {
    const network = createSimNetwork();
    writeStamp(network.wallOffsetMs + 86_400_000, reserved, 0);
    const left = network.addHost('left', isLater ? {} : { reservedStamp: reserved }, quick);
    const right = network.addHost('right', {}, quick);
    const { right: peer } = connect(left, right, network.now);
    if (isLater) left.device.reserveStamps(reserved);
    left.send(packet(left, right));
    network.run(100);
    assert.ok(compareStamps((peer as Pair['rightPeer']).latestStamp, reserved) > 0, `later: ${isLater}`);
  }
});

test('stamps of more than a day ahead of the clock are counted and told of, and others are not', () => {
  const pair = createStrangers(1, quick);
  const { network, left, right } = pair;
  const reserved = new Uint8Array(12);
  const isAlarmed = (): boolean => {
    const before = left.device.counters['stamps-ahead'];
    left.events.length = 0;
    left.device.handleResume(network.now);
    left.send(packet(left, right));
    network.run(100);
    const told = left.events.some(({ event }) => event === 'stamp-ahead');
    assert.is(left.device.counters['stamps-ahead'] - before, told ? 1 : 0);
    return told;
  };
  assert.not(isAlarmed());
  writeStamp(network.now + network.wallOffsetMs + 86_390_000, reserved, 0);
  left.device.reserveStamps(reserved);
  assert.not(isAlarmed());
  network.wallOffsetMs -= 20_000;
  assert.ok(isAlarmed());
  network.wallOffsetMs += 86_500_000;
  assert.not(isAlarmed());
});

test('an initiation with the stamp of the last one is dropped, one with a lesser too', () => {
  const { network, left, right, rightPeer } = createStrangers(1, quick);
  network.filter = () => false;
  left.send(packet(left, right));
  network.run(11_000);
  const initiations = sentBy(network, left, 'initiation');
  network.filter = ({ from }) => from === left.address;
  network.inject(left.address, right.address, initiations[1]!.datagram);
  network.run(100);
  const stamp = rightPeer.latestStamp.slice();
  for (const [dropped, older] of [initiations[1]!, initiations[0]!].entries()) {
    network.inject(left.address, right.address, older.datagram);
    network.run(100);
    assert.is(right.device.counters['replayed-handshake-dropped'], dropped + 1);
    assert.equal(rightPeer.latestStamp, stamp);
  }
  network.inject(left.address, right.address, initiations[2]!.datagram);
  network.run(100);
  assert.is(right.device.counters['initiations-received'], 2);
});

test('a peer that is removed and added again is sent greater stamps', () => {
  const { network, left, right } = createStrangers(1, quick);
  left.send(packet(left, right));
  network.run(1_000);
  network.wallOffsetMs -= 86_400_000;
  left.device.removeAllPeers(network.now);
  left.drain();
  const peer = left.device.addPeer(right.device.publicKey!, network.now)!;
  peer.addAllowedIp(Uint8Array.of(10, 0, 0, 2), 32);
  peer.setEndpoint(parseEndpoint(right.address)!);
  left.send(packet(left, right));
  network.run(100);
  assert.is(right.plane.delivered.length, 2);
  assert.is(right.device.counters['replayed-handshake-dropped'], 0);
});

test.run();
