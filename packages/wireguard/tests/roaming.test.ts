import { ENDPOINT, formatEndpoint, parseEndpoint } from '@pcloud/ip';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { PeerState } from '../src/peer.ts';
import { kindOf, sentBy } from './sim/messages.ts';
import { connect, createSimNetwork, packet } from './sim/network.ts';
import { ipPacket } from './sim/packets.ts';
import { createPair, forge, receive, stateOf } from './sim/session.ts';

const endpointOf = (peer: PeerState): string => formatEndpoint(peer.copyEndpoint()!);

/** Local address and interface by which the peer is answered, or none. */
function sourceOf(peer: PeerState): { address: number; interface: number } | undefined {
  const record = peer.copyEndpoint()!;
  if (record[ENDPOINT.HAS_SOURCE] === 0) return undefined;
  return { address: record[ENDPOINT.SOURCE]!, interface: record[ENDPOINT.SOURCE_INTERFACE]! };
}

test('a peer is where its last valid packet of a batch came from', () => {
  const { left, right, leftPeer, rightPeer } = createPair();
  const from = (place: string) => ({ datagram: forge(left, leftPeer, packet(left, right)), from: place });
  receive(right, from('203.0.113.1:1'), from('203.0.113.2:2'), from('203.0.113.3:3'));
  assert.is(endpointOf(rightPeer), '203.0.113.3:3');
  receive(right, from('203.0.113.3:3'), from('203.0.113.1:1'), from('203.0.113.1:2'));
  assert.is(endpointOf(rightPeer), '203.0.113.1:2');
});

test('answers go to where the peer roamed to', () => {
  const { network, left, right } = createPair();
  left.address = '203.0.113.7:700';
  left.send(packet(left, right));
  network.run(50);
  // The inner address goes by the host's first place.
  right.send(ipPacket({ source: '10.0.0.2', destination: '10.0.0.1' }));
  assert.is(network.sent.at(-1)!.to, '203.0.113.7:700');
});

test('a peer roams from IPv4 to IPv6 and back', () => {
  const { left, right, leftPeer, rightPeer } = createPair();
  for (const place of ['[2001:db8::7]:7', '203.0.113.7:7', '[fe80::1%3]:7']) {
    receive(right, { datagram: forge(left, leftPeer, new Uint8Array(0)), from: place });
    assert.is(endpointOf(rightPeer), place);
  }
});

test('a packet whose tag is wrong, or that was seen, moves nobody', () => {
  const { left, right, leftPeer, rightPeer } = createPair();
  const genuine = forge(left, leftPeer, packet(left, right));
  const changed = forge(left, leftPeer, packet(left, right));
  changed[20]! ^= 1;
  receive(
    right,
    { datagram: genuine, from: left.address },
    { datagram: changed, from: '203.0.113.1:1' },
    { datagram: genuine, from: '203.0.113.2:2' },
  );
  assert.is(endpointOf(rightPeer), left.address);
  assert.equal(right.events, []);
});

test('a cookie reply from elsewhere is used and moves nobody', () => {
  const network = createSimNetwork();
  const left = network.addHost('left');
  const right = network.addHost('right', { handshakesPerSecond: 0 });
  const peers = connect(left, right, network.now);
  network.filter = (sent) => kindOf(sent) !== 'cookie-reply';
  left.send(packet(left, right));
  network.run(100);
  const [reply] = sentBy(network, right, 'cookie-reply');
  receive(left, { datagram: reply!.datagram, from: '203.0.113.1:1' });
  assert.is(left.device.counters['cookies-received'], 1);
  assert.is(endpointOf(stateOf(peers.left)), right.address);
});

test('a handshake message that is refused moves nobody', () => {
  const { network, left, right, leftPeer, rightPeer } = createPair();
  network.run(200_000);
  left.send(packet(left, right));
  network.run(100);
  const [initiation] = sentBy(network, left, 'initiation').slice(-1);
  const [response] = sentBy(network, right, 'response').slice(-1);
  const changed = response!.datagram.slice();
  changed[50]! ^= 1;
  receive(right, { datagram: initiation!.datagram, from: '203.0.113.1:1' });
  receive(left, { datagram: response!.datagram, from: '203.0.113.1:1' }, { datagram: changed, from: '203.0.113.1:1' });
  assert.is(endpointOf(rightPeer), left.address);
  assert.is(endpointOf(leftPeer), right.address);
});

test('an initiation and a response move their sender', () => {
  const network = createSimNetwork();
  const left = network.addHost('left');
  const right = network.addHost('right');
  const peers = connect(left, right, network.now);
  network.filter = () => false;
  left.send(packet(left, right));
  receive(right, { datagram: sentBy(network, left, 'initiation')[0]!.datagram, from: '203.0.113.1:1' });
  assert.is(endpointOf(stateOf(peers.right)), '203.0.113.1:1');
  receive(left, { datagram: sentBy(network, right, 'response')[0]!.datagram, from: '203.0.113.2:2' });
  assert.is(endpointOf(stateOf(peers.left)), '203.0.113.2:2');
});

test('the local address and interface that a packet came in on are kept for the answers', () => {
  const { left, right, leftPeer, rightPeer } = createPair();
  for (const local of [
    { address: 0x0a0b0c0d, interface: 3 },
    { address: 0x0a0b0c0d, interface: 4 },
    { address: 0x01020304, interface: 4 },
  ]) {
    receive(right, { datagram: forge(left, leftPeer, new Uint8Array(0)), from: left.address, local });
    assert.equal(sourceOf(rightPeer), local);
  }
  assert.equal(right.events, [], 'another source is not another place');
});

test('a cached source is forgotten when routes change, and learnt from the next packet', () => {
  const { left, right, leftPeer, rightPeer } = createPair();
  const local = { address: 0x0a0b0c0d, interface: 3 };
  const come = (): void =>
    receive(right, { datagram: forge(left, leftPeer, new Uint8Array(0)), from: left.address, local });
  come();
  right.device.clearSources();
  assert.is(sourceOf(rightPeer), undefined);
  assert.is(endpointOf(rightPeer), left.address);
  come();
  assert.equal(sourceOf(rightPeer), local);
});

test('a cached source is forgotten with a new endpoint, and when a handshake goes unanswered', () => {
  const { network, left, right, leftPeer, rightPeer } = createPair();
  const local = { address: 0x0a0b0c0d, interface: 3 };
  const come = (): void =>
    receive(right, { datagram: forge(left, leftPeer, new Uint8Array(0)), from: left.address, local });
  come();
  rightPeer.setEndpoint(parseEndpoint('203.0.113.1:1')!);
  assert.is(sourceOf(rightPeer), undefined);
  come();
  network.filter = () => false;
  right.send(ipPacket({ source: '10.0.0.2', destination: '10.0.0.1' }));
  network.run(14_900);
  assert.equal(sourceOf(rightPeer), local);
  network.run(500);
  assert.is(sourceOf(rightPeer), undefined, 'the new handshake goes out by whatever route there is');
});

test('what was learnt of a path is forgotten with it', () => {
  const { left, right, leftPeer, rightPeer } = createPair();
  const { endpoints } = right.plane.batch;
  const word = rightPeer.endpointSlot * ENDPOINT.WORDS + ENDPOINT.NO_SEGMENTATION;
  endpoints[word] = 1;
  const local = { address: 0x0a0b0c0d, interface: 3 };
  receive(right, { datagram: forge(left, leftPeer, new Uint8Array(0)), from: left.address, local });
  assert.is(endpoints[word], 1, 'another source is the same path');
  receive(right, { datagram: forge(left, leftPeer, new Uint8Array(0)), from: '203.0.113.1:1' });
  assert.is(endpoints[word], 0);
  assert.equal(
    right.events.map(({ event }) => event),
    ['roamed'],
  );
});

test.run();
