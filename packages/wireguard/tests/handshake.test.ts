import { createEndpoint } from '@pcloud/ip';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { kindOf, sentBy } from './sim/messages.ts';
import { connect, createSimNetwork, packet } from './sim/network.ts';

test('the first packet starts a handshake and arrives after it', () => {
  const network = createSimNetwork();
  const left = network.addHost('left');
  const right = network.addHost('right');
  connect(left, right, network.now);
  const sent = packet(left, right, 7);
  left.send(sent);
  network.run(100);
  assert.equal(right.plane.delivered, [sent]);
  assert.equal(network.sent.map(kindOf), ['initiation', 'response', 'transport']);
});

test('a responder without an endpoint learns it from the initiation', () => {
  const network = createSimNetwork();
  const left = network.addHost('left');
  const right = network.addHost('right');
  connect(left, right, network.now, { left: true, right: false });
  left.send(packet(left, right));
  network.run(100);
  right.send(packet(right, left));
  network.run(100);
  assert.is(left.plane.delivered.length, 1);
});

test('a response without waiting packets is followed by exactly one keepalive', () => {
  const network = createSimNetwork();
  const left = network.addHost('left');
  const right = network.addHost('right');
  const { left: peer } = connect(left, right, network.now);
  peer.setKeepaliveInterval(25, network.now);
  peer.start(network.now);
  left.drain();
  network.run(5_000);
  assert.equal(network.sent.map(kindOf), ['initiation', 'response', 'keepalive']);
});

test('both sides derive a session with the same preshared key and none with different ones', () => {
  for (const isSame of [true, false]) {
    const network = createSimNetwork();
    const left = network.addHost('left');
    const right = network.addHost('right');
    const peers = connect(left, right, network.now);
    peers.left.setPresharedKey(new Uint8Array(32).fill(5));
    peers.right.setPresharedKey(new Uint8Array(32).fill(isSame ? 5 : 6));
    left.send(packet(left, right));
    network.run(1_000);
    assert.is(right.plane.delivered.length, isSame ? 1 : 0);
    assert.is(peers.left.reason, isSame ? 'connected' : 'psk-mismatch');
  }
});

test('a new preshared key is used from the next handshake on and leaves the session alone', () => {
  const network = createSimNetwork();
  const left = network.addHost('left');
  const right = network.addHost('right');
  const peers = connect(left, right, network.now);
  left.send(packet(left, right));
  network.run(100);
  for (const peer of [peers.left, peers.right]) peer.setPresharedKey(new Uint8Array(32).fill(9));
  left.send(packet(left, right));
  network.run(100);
  assert.is(right.plane.delivered.length, 2);
  network.run(200_000);
  left.send(packet(left, right));
  network.run(100);
  assert.is(right.plane.delivered.length, 3);
});

test('a changed private key makes a new handshake at once under traffic', () => {
  const network = createSimNetwork();
  const left = network.addHost('left');
  const right = network.addHost('right');
  connect(left, right, network.now);
  left.send(packet(left, right));
  network.run(100);
  left.device.setPrivateKey(new Uint8Array(32).fill(0x11), network.now);
  right.device.removeAllPeers(network.now);
  const [peer] = [right.device.addPeer(left.device.publicKey!, network.now)!];
  peer.addAllowedIp(Uint8Array.of(10, 0, 0, 1), 32);
  left.send(packet(left, right));
  network.run(100);
  assert.is(right.plane.delivered.length, 2);
});

test('our own public key is never a peer', () => {
  const network = createSimNetwork();
  const { device } = network.addHost('left');
  assert.is(device.addPeer(device.publicKey!, network.now), undefined);
});

test('a private key whose public key is a peer removes that peer', () => {
  const network = createSimNetwork();
  const left = network.addHost('left');
  const right = network.addHost('right');
  left.device.addPeer(right.device.publicKey!, network.now);
  left.device.setPrivateKey(right.device.copyPrivateKey(), network.now);
  assert.is([...left.device.peers()].length, 0);
});

test('a peer with a low-order public key can be configured and is sent nothing', () => {
  const network = createSimNetwork();
  const left = network.addHost('left');
  const right = network.addHost('right');
  const peer = left.device.addPeer(new Uint8Array(32), network.now)!;
  peer.addAllowedIp(Uint8Array.of(10, 0, 0, 2), 32);
  peer.setEndpoint(createEndpoint(Uint8Array.of(192, 0, 2, 2), 51820));
  left.send(packet(left, right));
  network.run(20_000);
  assert.is(network.sent.length, 0);
  assert.is(peer.reason, 'bad-key');
});

test('a zero private key means none', () => {
  const network = createSimNetwork();
  const { device } = network.addHost('left');
  device.setPrivateKey(new Uint8Array(32), network.now);
  assert.is(device.publicKey, undefined);
  assert.is(device.copyPrivateKey(), undefined);
});

test('a private key is clamped when it is set', () => {
  const network = createSimNetwork();
  const { device } = network.addHost('left');
  device.setPrivateKey(new Uint8Array(32).fill(0xff), network.now);
  const key = device.copyPrivateKey()!;
  assert.is(key[0], 0xf8);
  assert.is(key[31], 0x7f);
});

test('a replayed initiation is dropped and the endpoint stays', () => {
  const network = createSimNetwork();
  const left = network.addHost('left');
  const right = network.addHost('right');
  const peers = connect(left, right, network.now);
  left.send(packet(left, right));
  network.run(1_000);
  const [initiation] = sentBy(network, left, 'initiation');
  network.inject('192.0.2.99:9', right.address, initiation!.datagram);
  network.run(1_000);
  assert.is(right.device.counters['replayed-handshake-dropped'], 1);
  assert.is(peers.right.reason, 'connected');
  assert.is(sentBy(network, right, 'response').length, 1);
});

test('an initiation within 20 ms of the last one is dropped', () => {
  const network = createSimNetwork();
  const left = network.addHost('left');
  const right = network.addHost('right');
  connect(left, right, network.now);
  left.send(packet(left, right));
  network.run(15);
  // A second device of the same key, as after a restart.
  const twin = network.addHost('twin');
  twin.device.setPrivateKey(left.device.copyPrivateKey(), network.now);
  network.wallOffsetMs += 1_000;
  connect(twin, right, network.now);
  twin.send(packet(left, right));
  network.run(12);
  assert.is(right.device.counters['flooding-handshake-dropped'], 1);
});

test('a clock that went back never locks a peer out when the reserved stamp was kept', () => {
  const network = createSimNetwork();
  const left = network.addHost('left');
  const right = network.addHost('right');
  connect(left, right, network.now);
  left.send(packet(left, right));
  network.run(1_000);
  network.wallOffsetMs -= 365 * 86_400_000;
  const restarted = network.addHost('restarted', { reservedStamp: left.stamps.at(-1)! });
  restarted.device.setPrivateKey(left.device.copyPrivateKey(), network.now);
  connect(restarted, right, network.now);
  restarted.send(packet(left, right));
  network.run(1_000);
  assert.is(right.plane.delivered.length, 2);
});

test('a clock that went back without a kept stamp is named by the other side', () => {
  const network = createSimNetwork();
  const left = network.addHost('left');
  const right = network.addHost('right');
  const peers = connect(left, right, network.now);
  left.send(packet(left, right));
  network.run(200_000);
  network.wallOffsetMs -= 365 * 86_400_000;
  const restarted = network.addHost('restarted');
  restarted.device.setPrivateKey(left.device.copyPrivateKey(), network.now);
  connect(restarted, right, network.now);
  restarted.send(packet(left, right));
  network.run(1_000);
  assert.is(peers.right.reason, 'clock-behind');
});

test('handshake messages carry the traffic class of control and cookie replies none', () => {
  const network = createSimNetwork();
  const left = network.addHost('left');
  const right = network.addHost('right', { handshakesPerSecond: 0 });
  connect(left, right, network.now);
  left.send(packet(left, right));
  network.run(10_000);
  assert.ok(sentBy(network, left, 'initiation').every(({ tos }) => tos === 0x88));
  assert.ok(sentBy(network, right, 'response').every(({ tos }) => tos === 0x88));
  assert.is(sentBy(network, right, 'cookie-reply')[0]!.tos, 0);
});

test.run();
