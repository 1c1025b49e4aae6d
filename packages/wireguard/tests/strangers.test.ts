import { formatEndpoint } from '@pcloud/ip';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, createSimNetwork, packet } from './sim/network.ts';

/** Two hosts of which the left one knows the right one, and not the other way round; the left one has just asked. */
function createOneSided() {
  const network = createSimNetwork(1);
  const [left, right] = [network.addHost('left'), network.addHost('right')];
  connect(left, right, network.now);
  const key = left.device.publicKey!;
  right.device.removePeer(key, network.now);
  left.send(packet(left, right));
  network.run(100);
  return { network, left, right, key };
}

test('who asked while no peer had the key can be answered where it asked from, once', () => {
  const { network, left, right, key } = createOneSided();
  assert.is(right.device.counters['unknown-peer-dropped'], 1);
  assert.is(formatEndpoint(right.device.takeStranger(key, network.now)!), left.address);
  assert.is(right.device.takeStranger(key, network.now), undefined);
});

test('a peer that is added just after it asked has its packet through without waiting for its next attempt', () => {
  const { network, left, right, key } = createOneSided();
  const endpoint = right.device.takeStranger(key, network.now)!;
  const peer = right.device.addPeer(key, network.now)!;
  peer.setEndpoint(endpoint);
  peer.setKeepaliveInterval(25, network.now);
  peer.start(network.now);
  right.drain();
  network.run(200);
  assert.is(left.device.findPeer(right.device.publicKey!)!.reason, 'connected');
  assert.ok(peer.rxBytes > 148, 'what waited has come');
});

test('who asked some seconds ago asks again by itself', () => {
  const { network, right, key } = createOneSided();
  assert.is(right.device.takeStranger(key, network.now + 10_000), undefined);
});

test('of many strangers the newest are remembered', () => {
  const { network, right, key } = createOneSided();
  const others = Array.from({ length: 64 }, (_, index) => network.addHost(`other${index}`));
  for (const other of others) {
    connect(other, right, network.now);
    right.device.removePeer(other.device.publicKey!, network.now);
    network.run(50);
    other.send(packet(other, right));
    network.run(50);
  }
  assert.is(right.device.takeStranger(key, network.now), undefined);
  const last = others.at(-1)!;
  assert.is(formatEndpoint(right.device.takeStranger(last.device.publicKey!, network.now)!), last.address);
});

test.run();
