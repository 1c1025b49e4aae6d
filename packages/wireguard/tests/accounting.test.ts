import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, createSimNetwork, packet, type SimHost, type SimNetwork } from './sim/network.ts';
import { createPair, forge, receive, stateOf } from './sim/session.ts';

const PING_BYTES = 84;

/** Ten echo requests of the usual size and their answers. */
function ping(network: SimNetwork, from: SimHost, to: SimHost): void {
  for (let id = 0; id < 10; id++) {
    from.send(packet(from, to, id, PING_BYTES));
    network.run(40);
    to.send(packet(to, from, id, PING_BYTES));
    network.run(40);
  }
}

test('ten pings are 1428 bytes out and 1372 in for the initiator, and the other way round', () => {
  const network = createSimNetwork();
  const left = network.addHost('left');
  const right = network.addHost('right');
  const peers = connect(left, right, network.now);
  ping(network, left, right);
  assert.equal([peers.left.txBytes, peers.left.rxBytes], [1_428, 1_372]);
  assert.equal([peers.right.txBytes, peers.right.rxBytes], [1_372, 1_428]);
});

test('a session opened by a keepalive costs 32 bytes more', () => {
  const network = createSimNetwork();
  const left = network.addHost('left');
  const right = network.addHost('right');
  const peers = connect(left, right, network.now);
  peers.left.setKeepaliveInterval(100, network.now);
  peers.left.start(network.now);
  left.drain();
  network.run(50);
  ping(network, left, right);
  assert.equal([peers.left.txBytes, peers.left.rxBytes], [1_460, 1_372]);
  assert.equal([peers.right.txBytes, peers.right.rxBytes], [1_372, 1_460]);
});

test('what is sent counts whether it arrives or not', () => {
  const { network, left, right, leftPeer, rightPeer } = createPair();
  const before = [leftPeer.txBytes, rightPeer.rxBytes];
  network.filter = () => false;
  left.send(packet(left, right, 0, PING_BYTES));
  assert.equal([leftPeer.txBytes, rightPeer.rxBytes], [before[0]! + 128, before[1]]);
});

test('what does not verify, or was seen, does not count as received', () => {
  const { left, right, leftPeer, rightPeer } = createPair();
  const genuine = forge(left, leftPeer, packet(left, right));
  const changed = genuine.slice();
  changed[20]! ^= 1;
  const before = rightPeer.rxBytes;
  receive(right, { datagram: changed });
  assert.is(rightPeer.rxBytes, before);
  receive(right, { datagram: genuine }, { datagram: genuine });
  assert.is(rightPeer.rxBytes, before + genuine.length);
});

test('initiations that are repeated count each time', () => {
  const network = createSimNetwork();
  const left = network.addHost('left');
  const right = network.addHost('right');
  const peers = connect(left, right, network.now);
  network.filter = () => false;
  left.send(packet(left, right));
  network.run(11_000);
  assert.is(peers.left.txBytes, 3 * 148);
  assert.is(stateOf(peers.right).rxBytes, 0);
});

test('a bulk of packets counts to the byte on both sides', () => {
  const { network, left, right, leftPeer, rightPeer } = createPair();
  const before = [leftPeer.txBytes, rightPeer.rxBytes];
  let expected = 0;
  for (let length = 24; length <= 1_420; length += 3) {
    left.send(packet(left, right, length, length));
    expected += 32 + Math.min(Math.ceil(length / 16) * 16, 1_420);
  }
  network.run(100);
  assert.equal([leftPeer.txBytes - before[0]!, rightPeer.rxBytes - before[1]!], [expected, expected]);
});

test.run();
