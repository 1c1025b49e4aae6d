/** Outer datagrams of ours that routes lead back into the tunnel, and datagrams that only look like them. */
import { ENDPOINT, parseAddress, parseEndpoint, parsePrefix } from '@pcloud/ip';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FRAME } from '../src/batch.ts';
import type { Peer } from '../src/index.ts';
import { writeWord } from '../src/messages.ts';
import { sentBy } from './sim/messages.ts';
import { connect, createSimNetwork, packet, type SimHost } from './sim/network.ts';
import { ipPacket } from './sim/packets.ts';
import { contextOf, createPair, createStrangers, forge, type Pair, stateOf } from './sim/session.ts';

const SOURCE = { 4: '192.0.2.1', 6: '2001:db8::1' } as const;

/** The IP packet that carries a datagram from port 51820. */
function outer(to: string, datagram: Uint8Array): Uint8Array {
  const record = parseEndpoint(to)!;
  const port = record[ENDPOINT.PORT]!;
  const udp = new Uint8Array(8 + datagram.length);
  const view = new DataView(udp.buffer);
  view.setUint16(0, 51820);
  view.setUint16(2, port);
  view.setUint16(4, udp.length);
  udp.set(datagram, 8);
  const family = record[ENDPOINT.FAMILY] as 4 | 6;
  const destination = to.slice(0, to.lastIndexOf(':')).replace(/[[\]]/g, '');
  return ipPacket({ source: SOURCE[family], destination, length: (family === 4 ? 20 : 40) + udp.length, payload: udp });
}

/** What the left sends to one of `endpoints` comes back out of its TUN, as a route has it, up to 100 times. */
function loopBack({ network, left }: Pick<Pair, 'network' | 'left'>, endpoints: readonly string[]): void {
  let turns = 0;
  network.filter = ({ from, to, datagram }) => {
    if (from !== left.address || !endpoints.includes(to)) return true;
    if (turns++ < 100) left.plane.tunQueue.push(outer(to, datagram));
    return false;
  };
}

/** Lets the left read its TUN until nothing comes any more. */
function settle({ plane, drain }: SimHost): void {
  while (plane.tunQueue.length > 0) drain();
}

function allow(peer: Peer, ...prefixes: readonly string[]): void {
  for (const text of prefixes) {
    const { address, length } = parsePrefix(text)!;
    peer.addAllowedIp(address, length);
  }
}

function createLooped(pair: Pair): Pair {
  allow(pair.leftPeer, '0.0.0.0/0', '::/0');
  loopBack(pair, [pair.right.address]);
  return pair;
}

test('a packet whose datagram comes back is sealed once, not for ever', () => {
  const { network, left, right, leftPeer } = createLooped(createPair());
  left.send(packet(left, right));
  settle(left);
  assert.is(sentBy(network, left, 'transport').length, 1);
  assert.is(left.device.counters['loop-dropped'], 1);
  assert.is(leftPeer.reason, 'endpoint-loop');
});

test('the sender of a looped datagram is told that its host is unreachable', () => {
  const { left, right } = createLooped(createPair());
  left.send(packet(left, right));
  settle(left);
  const [error] = left.plane.delivered;
  assert.equal([error![9], error![20], error![21]], [1, 3, 1]);
  assert.equal(error!.subarray(16, 20), parseAddress(SOURCE[4]));
});

test('an initiation that comes back neither waits nor starts another one', () => {
  const { network, left, right, leftPeer } = createLooped(createStrangers());
  left.send(packet(left, right));
  settle(left);
  assert.is(sentBy(network, left, 'initiation').length, 1);
  assert.is(left.device.counters['loop-dropped'], 1);
  assert.is(leftPeer.staged.packets, 1);
  assert.is(leftPeer.reason, 'endpoint-loop');
});

test('a response that comes back is dropped', () => {
  const { network, left, right } = createLooped(createStrangers());
  right.send(packet(right, left));
  network.run(100);
  settle(left);
  assert.is(sentBy(network, left, 'response').length, 1);
  assert.is(left.device.counters['loop-dropped'], 1);
});

test('two peers that each own the endpoint of the other make no loop either', () => {
  const network = createSimNetwork();
  const left = network.addHost('left');
  const hosts = [network.addHost('first'), network.addHost('second')];
  const peers = hosts.map((host) => stateOf(connect(left, host, network.now).left));
  for (const host of hosts) left.send(packet(left, host));
  network.run(100);
  allow(peers[0]!, '192.0.2.3/32');
  allow(peers[1]!, '192.0.2.2/32');
  network.sent.length = 0;
  loopBack(
    { network, left },
    hosts.map(({ address }) => address),
  );
  left.send(packet(left, hosts[0]!));
  settle(left);
  assert.is(network.sent.length, 1);
  assert.equal(
    peers.map(({ reason }) => reason),
    ['endpoint-loop', 'connected'],
  );
});

test('a session that is being replaced is known too', () => {
  const pair = createPair();
  const { network, left, right, leftPeer } = pair;
  const old = forge(left, leftPeer, packet(left, right), 1_000);
  network.run(121_000);
  left.send(packet(left, right));
  network.run(100);
  assert.ok(leftPeer.keypairs.previous);
  createLooped(pair);
  left.send(outer(right.address, old));
  assert.is(left.device.counters['loop-dropped'], 1);
});

test('over IPv6, also where the datagram was cut into fragments, the first one tells', () => {
  const { left, right, leftPeer } = createLooped(createPair());
  leftPeer.setEndpoint(parseEndpoint('[2001:db8::2]:7')!);
  const whole = outer('[2001:db8::2]:7', forge(left, leftPeer, packet(left, right)));
  const fragment = new Uint8Array(whole.length + 8);
  fragment.set(whole.subarray(0, 40));
  fragment.set([17, 0, 0, 1, 1, 2, 3, 4], 40);
  fragment.set(whole.subarray(40), 48);
  fragment[6] = 44;
  left.send(whole);
  left.send(fragment);
  assert.is(left.device.counters['loop-dropped'], 2);
});

test('of a super-packet every datagram counts', () => {
  const { network, left, right, leftPeer } = createLooped(createPair());
  const datagram = forge(left, leftPeer, packet(left, right));
  left.plane.tunQueue.push(outer(right.address, new Uint8Array([...datagram, ...datagram, ...datagram])));
  const count = left.plane.tunReceive();
  left.plane.batch.frames[FRAME.GSO_TYPE] = 5;
  left.plane.batch.frames[FRAME.GSO_SIZE] = datagram.length;
  left.plane.batch.frames[FRAME.SEGMENTS] = 3;
  left.device.handleFrames(count, network.now);
  assert.is(left.plane.batch.frames[FRAME.KEY], -1);
  assert.is(left.device.counters['loop-dropped'], 3);
});

test('another tunnel inside this one is carried, even to the same endpoint', () => {
  const { network, left, right, leftPeer } = createPair();
  allow(leftPeer, '192.0.2.0/24');
  const own = forge(left, leftPeer, packet(left, right), 1_000);
  const kinds = [1, 2, 4];
  for (const type of kinds) {
    const datagram = own.slice();
    writeWord(type, datagram, 0);
    datagram[5]! ^= 1;
    left.send(outer(right.address, datagram));
  }
  assert.is(sentBy(network, left, 'transport').length, kinds.length);
  assert.is(left.device.counters['loop-dropped'], 0);
  assert.is(leftPeer.reason, 'connected');
});

test('what has our index but another place to go to, or is no message, is carried', () => {
  const { network, left, right, leftPeer } = createPair();
  allow(leftPeer, '0.0.0.0/0');
  const own = forge(left, leftPeer, packet(left, right), 1_000);
  const others = [outer('192.0.2.2:51821', own), outer('192.0.2.3:51820', own)];
  const cookie = own.slice();
  writeWord(3, cookie, 0);
  others.push(outer(right.address, cookie), outer(right.address, own).subarray(0, 35), outer(right.address, own));
  others.at(-1)![9] = 6;
  for (const other of others) left.send(other);
  assert.is(sentBy(network, left, 'transport').length, others.length);
  assert.is(left.device.counters['loop-dropped'], 0);
});

test('a later fragment is sealed, and what comes back of that is dropped', () => {
  const { network, left, right, leftPeer } = createLooped(createPair());
  const fragment = outer(right.address, forge(left, leftPeer, packet(left, right)));
  fragment[7] = 100;
  left.send(fragment);
  settle(left);
  assert.is(sentBy(network, left, 'transport').length, 1);
  assert.is(left.device.counters['loop-dropped'], 1);
});

test('the reason is gone as soon as the route is', () => {
  const { network, left, right, leftPeer } = createLooped(createPair());
  left.send(packet(left, right));
  settle(left);
  network.run(20_000);
  settle(left);
  assert.is(leftPeer.reason, 'endpoint-loop');
  network.filter = () => true;
  network.run(6_000);
  assert.is(leftPeer.reason, 'connected');
});

test('the reason does not outlive another endpoint, or the interface going down', () => {
  const { network, left, right, leftPeer } = createLooped(createStrangers());
  left.send(packet(left, right));
  settle(left);
  assert.is(leftPeer.reason, 'endpoint-loop');
  leftPeer.setEndpoint(parseEndpoint('192.0.2.77:1')!);
  assert.is(leftPeer.reason, 'handshaking');
  leftPeer.setEndpoint(parseEndpoint(right.address)!);
  network.run(6_000);
  settle(left);
  assert.is(leftPeer.reason, 'endpoint-loop');
  left.device.down(network.now);
  left.device.up(network.now);
  assert.is(leftPeer.reason, 'idle');
});

test('sessions that ended are not remembered by their index', () => {
  const { network, left, leftPeer } = createPair();
  const { remoteIndices } = contextOf(leftPeer);
  assert.is(remoteIndices.size, 1);
  left.device.down(network.now);
  assert.is(remoteIndices.size, 0);
});

test.run();
