import { parseEndpoint } from '@pcloud/ip';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Peer } from '../src/index.ts';
import { connect, createSimNetwork, packet, type SimHost, type SimNetwork } from './sim/network.ts';
import { ipPacket } from './sim/packets.ts';
import { createPair } from './sim/session.ts';

interface Unconnected {
  readonly network: SimNetwork;
  readonly left: SimHost;
  readonly right: SimHost;
  readonly peer: Peer;
  readonly other: Peer;
}

/** Two hosts that know each other and have not spoken; the reason is the left's for the right. */
function create(): Unconnected {
  const network = createSimNetwork();
  const left = network.addHost('left');
  const right = network.addHost('right');
  const { left: peer, right: other } = connect(left, right, network.now);
  return { network, left, right, peer, other };
}

test('idle: nothing was to be said, until something is', () => {
  const { network, left, right, peer } = create();
  network.run(1_000_000);
  left.drain();
  assert.is(peer.reason, 'idle');
  left.send(packet(left, right));
  assert.is(peer.reason, 'handshaking');
});

test('handshaking: a first initiation is on its way, until it is answered', () => {
  const { network, left, right, peer } = create();
  network.link.delayMs = 2_000;
  left.send(packet(left, right));
  network.run(3_900);
  assert.is(peer.reason, 'handshaking');
  network.run(200);
  assert.is(peer.reason, 'connected');
});

test('connected: there is a session, until it has expired in silence', () => {
  const { network, left, right, leftPeer, rightPeer } = createPair();
  assert.equal([leftPeer.reason, rightPeer.reason], ['connected', 'connected']);
  network.run(400_000);
  for (const host of [left, right]) host.drain();
  assert.equal([leftPeer.reason, rightPeer.reason], ['idle', 'idle']);
});

test('connected: a session that is being renewed in time stays so throughout', () => {
  const { network, left, right, leftPeer, rightPeer } = createPair();
  for (let second = 0; second < 400; second++) {
    left.send(packet(left, right));
    network.run(200);
    assert.is(leftPeer.reason, 'connected', `left, second ${second}`);
    right.send(packet(right, left));
    network.run(800);
    assert.is(rightPeer.reason, 'connected', `right, second ${second}`);
  }
});

test('no-reply: an initiation was repeated, until one is answered', () => {
  const { network, left, right, peer } = create();
  network.filter = () => false;
  left.send(packet(left, right));
  network.run(4_900);
  assert.is(peer.reason, 'handshaking');
  network.run(500);
  assert.is(peer.reason, 'no-reply');
  network.filter = () => true;
  network.run(5_500);
  assert.is(peer.reason, 'connected');
});

test('no-reply: it stays so after giving up, until a later handshake', () => {
  const { network, left, right, peer } = create();
  network.filter = () => false;
  left.send(packet(left, right));
  network.run(300_000);
  assert.is(left.events.at(-1)!.event, 'handshake-failed');
  assert.is(peer.reason, 'no-reply');
  network.filter = () => true;
  left.send(packet(left, right));
  network.run(100);
  assert.is(peer.reason, 'connected');
});

test('no-reply: giving up does not outlive the interface being down, or another endpoint', () => {
  const { network, left, right, peer } = create();
  network.filter = () => false;
  const giveUp = (): void => {
    left.send(packet(left, right));
    network.run(300_000);
    assert.is(peer.reason, 'no-reply');
  };
  giveUp();
  left.device.down(network.now);
  left.device.up(network.now);
  assert.is(peer.reason, 'idle');
  giveUp();
  peer.setEndpoint(parseEndpoint('192.0.2.77:1')!);
  assert.is(peer.reason, 'idle');
});

test('no-reply: a peer that falls silent in a session is named within 25 s of traffic', () => {
  const { network, left, right, leftPeer } = createPair();
  network.filter = () => false;
  for (let second = 0; second < 25; second++) {
    left.send(packet(left, right));
    network.run(1_000);
  }
  assert.is(leftPeer.reason, 'no-reply');
  network.filter = () => true;
  network.run(6_000);
  assert.is(leftPeer.reason, 'connected');
});

test('no-endpoint: nobody said where the peer is, until somebody does', () => {
  const network = createSimNetwork();
  const left = network.addHost('left');
  const right = network.addHost('right');
  const { left: peer } = connect(left, right, network.now, { left: false, right: true });
  left.send(packet(left, right));
  assert.is(peer.reason, 'no-endpoint');
  peer.setEndpoint(parseEndpoint(right.address)!);
  assert.is(peer.reason, 'idle');
});

test('no-endpoint: the peer may also say it itself', () => {
  const network = createSimNetwork();
  const left = network.addHost('left');
  const right = network.addHost('right');
  const { left: peer } = connect(left, right, network.now, { left: false, right: true });
  right.send(packet(right, left));
  network.run(100);
  assert.is(peer.reason, 'connected');
});

test('no-private-key: until the device has one', () => {
  const { network, left, peer } = create();
  left.device.setPrivateKey(undefined, network.now);
  assert.is(peer.reason, 'no-private-key');
  left.device.setPrivateKey(new Uint8Array(32).fill(3), network.now);
  assert.is(peer.reason, 'idle');
});

test('bad-key: no secret can be shared with a point of low order, and the peer of another key is fine', () => {
  const { network, left, peer } = create();
  const one = new Uint8Array(32);
  one[0] = 1;
  assert.is(left.device.addPeer(one, network.now)!.reason, 'bad-key');
  assert.is(peer.reason, 'idle');
});

test('down: while the interface is', () => {
  const { network, left, right, leftPeer } = createPair();
  left.device.down(network.now);
  assert.is(leftPeer.reason, 'down');
  left.device.up(network.now);
  assert.is(leftPeer.reason, 'idle');
  left.send(packet(left, right));
  network.run(100);
  assert.is(leftPeer.reason, 'connected');
});

test('clock-behind: the peer starts with a stamp of the past, until its clock is right', () => {
  const { network, left, right, rightPeer } = createPair();
  network.run(200_000);
  network.wallOffsetMs -= 86_400_000;
  const restarted = network.addHost('restarted');
  restarted.device.setPrivateKey(left.device.copyPrivateKey(), network.now);
  connect(restarted, right, network.now);
  restarted.send(packet(left, right));
  network.run(1_000);
  assert.is(rightPeer.reason, 'clock-behind');
  network.wallOffsetMs += 86_400_000;
  network.run(6_000);
  restarted.send(packet(left, right));
  network.run(100);
  assert.is(rightPeer.reason, 'connected');
});

test('clock-behind: it is not held against the peer for longer than a session lasts', () => {
  const { network, left, right, rightPeer } = createPair();
  left.send(packet(left, right));
  network.run(200_000);
  network.wallOffsetMs -= 86_400_000;
  const restarted = network.addHost('restarted');
  restarted.device.setPrivateKey(left.device.copyPrivateKey(), network.now);
  connect(restarted, right, network.now);
  restarted.send(packet(left, right));
  network.run(1_000);
  assert.is(rightPeer.reason, 'clock-behind');
  restarted.device.down(network.now);
  restarted.drain();
  network.run(180_000);
  right.drain();
  assert.is(rightPeer.reason, 'idle');
});

test('source-check: a packet came from an address that is not the peer’s, until that is long past', () => {
  const { network, left, right, rightPeer } = createPair();
  left.send(ipPacket({ source: '10.0.0.77', destination: '10.0.0.2' }));
  network.run(100);
  assert.is(rightPeer.reason, 'source-check');
  for (let second = 0; second < 181; second++) {
    left.send(packet(left, right));
    network.run(1_000);
  }
  assert.is(rightPeer.reason, 'connected');
});

test('psk-mismatch: the response does not open, until the keys agree', () => {
  const { network, left, right, peer, other } = create();
  peer.setPresharedKey(new Uint8Array(32).fill(1));
  left.send(packet(left, right));
  network.run(1_000);
  assert.is(peer.reason, 'psk-mismatch');
  other.setPresharedKey(new Uint8Array(32).fill(1));
  network.run(6_000);
  assert.is(peer.reason, 'connected');
});

test.run();
