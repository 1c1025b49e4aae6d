import { ENDPOINT, parseEndpoint } from '@pcloud/ip';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createBatch, DATAGRAM, LAYOUT } from '../src/batch.ts';
import { MAX_PEERS } from '../src/constants.ts';
import type { DeviceContext } from '../src/context.ts';
import { type Crypto, createDevice, createNobleCrypto, type Device, WireGuardError } from '../src/index.ts';
import { MESSAGE_TYPE } from '../src/messages.ts';
import { connect, createSimNetwork, packet, type SimHost } from './sim/network.ts';
import { contextOf, createPair, dropsOf, forge, receive, stateOf } from './sim/session.ts';

/** Cryptography that costs nothing, for what is only about book-keeping. */
const FREE_CRYPTO: Crypto = {
  ...createNobleCrypto(),
  publicKey: (privateKey) => privateKey.slice(),
  sharedSecret: (_, publicKey) => publicKey.slice(),
  hash: () => new Uint8Array(32),
};

function createQuietDevice(): Device {
  return createDevice(
    {},
    {
      crypto: FREE_CRYPTO,
      keys: { installKey: () => {}, removeKey: () => {} },
      batch: createBatch(),
      random: (out) => void out.fill(9),
      wallMs: () => 0,
    },
  );
}

/** The key of peer `number`. */
function keyOf(number: number): Uint8Array {
  const key = new Uint8Array(32).fill(1);
  new DataView(key.buffer).setUint32(0, number);
  return key;
}

/** How much a device holds, by what it holds. */
function sizesOf(context: DeviceContext) {
  return {
    indices: context.indices.size,
    deadline: context.deadlines.first()?.deadline ?? Number.POSITIVE_INFINITY,
    prefixes: context.allowedIps.size,
    nodes: context.allowedIps.nodeCount,
    ready: context.ready.size,
    outputs: context.outputs.length,
    owners: context.frameOwners.filter((owner) => owner !== undefined).length,
    keypairs: context.datagramKeypairs.filter((keypair) => keypair !== undefined).length,
  };
}

const EMPTY = {
  indices: 0,
  deadline: Number.POSITIVE_INFINITY,
  prefixes: 0,
  nodes: 0,
  ready: 0,
  outputs: 0,
  owners: 0,
  keypairs: 0,
};

test('a peer is there once, however often it is added', () => {
  const device = createQuietDevice();
  const peer = device.addPeer(keyOf(1), 0);
  assert.is(device.addPeer(keyOf(1), 0), peer);
  assert.is(device.findPeer(keyOf(1)), peer);
  assert.equal([...device.peers()], [peer]);
});

test('peers come in the order in which they were added', () => {
  const device = createQuietDevice();
  const added = [5, 3, 9, 1].map((number) => device.addPeer(keyOf(number), 0));
  assert.equal([...device.peers()], added);
});

test('a public key of another length is refused', () => {
  const device = createQuietDevice();
  for (const length of [0, 31, 33]) {
    assert.throws(
      () => device.addPeer(new Uint8Array(length), 0),
      (error: unknown) => error instanceof WireGuardError && error.code === 'INVALID_KEY',
    );
  }
});

test('65,536 peers fit, one more is refused, and a removed one makes room', () => {
  const device = createQuietDevice();
  for (let number = 0; number < MAX_PEERS; number++) device.addPeer(keyOf(number), 0);
  const slots = new Set([...device.peers()].map((peer) => stateOf(peer).endpointSlot));
  assert.is(slots.size, MAX_PEERS);
  for (const slot of slots) assert.ok(slot >= LAYOUT.PEER_ENDPOINTS && slot < LAYOUT.ENDPOINTS);
  assert.throws(
    () => device.addPeer(keyOf(MAX_PEERS), 0),
    (error: unknown) => error instanceof WireGuardError && error.code === 'TOO_MANY_PEERS',
  );
  assert.ok(device.addPeer(keyOf(7), 0), 'one that is there is no more');
  device.removePeer(keyOf(7), 0);
  assert.ok(device.addPeer(keyOf(MAX_PEERS), 0));
});

test('our own key is no peer, before and after a change of key', () => {
  const network = createSimNetwork();
  const { device } = network.addHost('host');
  const former = device.publicKey!;
  assert.is(device.addPeer(former, 0), undefined);
  device.setPrivateKey(network.random.key(), network.now);
  assert.is(device.addPeer(device.publicKey!, 0), undefined);
  assert.ok(device.addPeer(former, 0));
});

test('removing a peer that is not there does nothing', () => {
  const device = createQuietDevice();
  device.addPeer(keyOf(1), 0);
  device.removePeer(keyOf(2), 0);
  assert.is([...device.peers()].length, 1);
});

test('adding and removing 100,000 peers leaves nothing behind', () => {
  const device = createQuietDevice();
  device.setPrivateKey(keyOf(0xffff_ffff), 0);
  device.up(0);
  const keeper = stateOf(device.addPeer(keyOf(0), 0)!);
  const context = contextOf(keeper);
  const here: number[] = [];
  let slot = 0;
  for (let number = 1; number <= 100_000; number++) {
    const peer = stateOf(device.addPeer(keyOf(number), 0)!);
    peer.addAllowedIp(keyOf(number).subarray(0, 4), 32);
    peer.addAllowedIp(keyOf(number * 7).subarray(0, 16), 20 + (number % 100));
    peer.setEndpoint(parseEndpoint('192.0.2.1:1')!);
    peer.setKeepaliveInterval(25, 0);
    slot = Math.max(slot, peer.endpointSlot);
    here.push(number);
    if (here.length > 10) device.removePeer(keyOf(here.splice(number % 10, 1)[0]!), 0);
  }
  assert.is(slot, LAYOUT.PEER_ENDPOINTS + 11, 'endpoint slots are used again');
  assert.ok(context.allowedIps.nodeCount < 40);
  for (const number of here) device.removePeer(keyOf(number), 0);
  assert.equal(sizesOf(context), EMPTY);
  assert.equal([...device.peers()], [keeper]);
  const { endpoints } = context.batch;
  assert.ok(endpoints.subarray(LAYOUT.PEER_ENDPOINTS * ENDPOINT.WORDS).every((word) => word === 0));
});

test('peers that come and go with sessions, handshakes and packets under way leave nothing behind', () => {
  const network = createSimNetwork();
  const left = network.addHost('left');
  const right = network.addHost('right');
  const keeper = left.device.addPeer(network.random.key(), network.now)!;
  const context = contextOf(keeper);
  for (let round = 0; round < 120; round++) {
    const { left: peer } = connect(left, right, network.now);
    peer.setKeepaliveInterval(round % 2, network.now);
    left.send(packet(left, right));
    left.send(packet(left, right));
    // At any point of the exchange.
    network.run((round * 3) % 50);
    right.send(packet(right, left));
    network.run((round * 7) % 30);
    left.device.removePeer(right.device.publicKey!, network.now);
    left.drain();
    right.device.removeAllPeers(network.now);
    right.drain();
    assert.equal(sizesOf(context), EMPTY, `round ${round}`);
    for (const { plane } of [left, right]) assert.is(plane.keys.size, 0, `round ${round}`);
    network.run(2_000);
    assert.equal(sizesOf(context), EMPTY, `round ${round}, later`);
  }
  assert.ok(right.plane.delivered.length > 20);
});

test('renewed sessions for ever hold no more keys than a few', () => {
  const { network, left, right, leftPeer } = createPair();
  for (let minute = 0; minute < 300; minute++) {
    left.send(packet(left, right));
    right.send(packet(right, left));
    network.run(60_000);
    assert.ok(Math.max(...left.plane.keys.keys(), ...right.plane.keys.keys()) < 8);
    assert.ok(contextOf(leftPeer).indices.size <= 4);
  }
  assert.is(right.plane.delivered.length, 300);
});

/** Hands the right a packet in the steps of a turn, and does something between naming keys and checking. */
function interrupt(right: SimHost, datagram: Uint8Array, from: string, now: number, act: () => void): number {
  const { device, plane } = right;
  plane.udpQueue.push({ datagram: datagram.slice(), source: parseEndpoint(from)!, tos: 0 });
  plane.udpReceive();
  device.handleDatagrams(1, now);
  act();
  plane.open(1);
  device.handleOpened(1, now);
  plane.tunSend(1);
  return plane.batch.datagrams[DATAGRAM.DELIVER]!;
}

test('a peer that is removed while its datagrams are in the batch gets nothing delivered and leaves nothing', () => {
  const { network, left, right, leftPeer, rightPeer } = createPair();
  const datagram = forge(left, leftPeer, packet(left, right));
  const next = (): void => {
    right.device.removePeer(rightPeer.publicKey, network.now);
    // The next peer gets the same endpoint slot.
    right.device.addPeer(network.random.key(), network.now);
  };
  assert.is(interrupt(right, datagram, '203.0.113.1:1', network.now, next), 0);
  right.drain();
  assert.equal(sizesOf(contextOf(rightPeer)), EMPTY);
  assert.is(dropsOf(right.device), 1);
  const [other] = right.device.peers();
  assert.is(other!.copyEndpoint(), undefined);
});

test('a device that goes down while datagrams are in the batch delivers none and arms no timer', () => {
  const { network, left, right, leftPeer, rightPeer } = createPair();
  const datagram = forge(left, leftPeer, packet(left, right));
  assert.is(
    interrupt(right, datagram, left.address, network.now, () => right.device.down(network.now)),
    0,
  );
  right.drain();
  assert.is(right.wake.at, Number.POSITIVE_INFINITY);
  assert.is(contextOf(rightPeer).indices.size, 0);
});

test('a peer that is removed while its frames are in the batch counts nothing for another', () => {
  const { network, left, right, leftPeer } = createPair();
  left.plane.tunQueue.push(packet(left, right));
  left.plane.tunReceive();
  left.device.handleFrames(1, network.now);
  left.device.removePeer(leftPeer.publicKey, network.now);
  const other = left.device.addPeer(network.random.key(), network.now)!;
  left.plane.sealAndSend(1);
  left.device.handleSent(1, network.now);
  left.drain();
  network.run(100);
  assert.is(other.txBytes, 0);
  assert.is(right.plane.delivered.length, 0);
  assert.equal(sizesOf(contextOf(leftPeer)), EMPTY);
});

test('what is set on a removed peer touches nobody else', () => {
  const { network, left, leftPeer } = createPair();
  left.device.removePeer(leftPeer.publicKey, network.now);
  const other = left.device.addPeer(network.random.key(), network.now)!;
  leftPeer.setEndpoint(parseEndpoint('203.0.113.1:1')!);
  leftPeer.setPresharedKey(new Uint8Array(32).fill(5));
  leftPeer.setKeepaliveInterval(25, network.now);
  leftPeer.addAllowedIp(Uint8Array.of(10, 0, 0, 2), 32);
  leftPeer.start(network.now);
  left.drain();
  assert.is(other.copyEndpoint(), undefined);
  other.setEndpoint(parseEndpoint('203.0.113.2:2')!);
  assert.is(leftPeer.copyEndpoint(), undefined);
  assert.is(leftPeer.copyPresharedKey(), undefined);
  assert.equal(sizesOf(contextOf(leftPeer)), EMPTY);
  assert.is(left.wake.at, Number.POSITIVE_INFINITY);
});

test('a removed peer is unknown to what it still sends', () => {
  const { network, left, right, leftPeer, rightPeer } = createPair();
  const datagram = forge(left, leftPeer, packet(left, right));
  right.device.removePeer(rightPeer.publicKey, network.now);
  receive(right, { datagram });
  assert.is(right.device.counters['unknown-index-dropped'], 1);
  network.run(200_000);
  left.send(packet(left, right));
  network.run(100);
  assert.ok(right.device.counters['unknown-peer-dropped'] > 0);
  assert.is(network.sent.filter((sent) => sent.datagram[0] === MESSAGE_TYPE.RESPONSE).length, 0);
  assert.is(right.plane.delivered.length, 0);
});

test("keys that come in Node Buffers are copied, and the caller's memory is left as it is", () => {
  const device = createQuietDevice();
  const bytes = new Uint8Array(32).fill(255);
  const [secret, key] = [Buffer.from(bytes), Buffer.from(bytes)];
  device.setPrivateKey(secret, 0);
  assert.equal([...secret], [...bytes], 'not clamped in place');
  const peer = device.addPeer(key, 0)!;
  key.fill(0);
  assert.equal([...peer.publicKey], [...bytes]);
  device.destroy();
  assert.equal([...secret], [...bytes], 'not zeroed');
});

test.run();
