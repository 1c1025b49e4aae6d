import { parsePrefix } from '@pcloud/ip';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { CounterName } from '../src/index.ts';
import { writeWord } from '../src/messages.ts';
import { type Link, packet } from './sim/network.ts';
import { idOf, ipPacket } from './sim/packets.ts';
import { createPair, dropsOf, forge, type Pair, receive } from './sim/session.ts';

/** The right drops a plaintext that the left sealed, and counts it once, under this name. */
function checkDropped(pair: Pair, plaintext: Uint8Array, name: CounterName): void {
  const { device, plane } = pair.right;
  const before = { drops: dropsOf(device), named: device.counters[name], delivered: plane.delivered.length };
  receive(pair.right, { datagram: forge(pair.left, pair.leftPeer, plaintext) });
  assert.is(device.counters[name], before.named + 1);
  assert.is(dropsOf(device), before.drops + 1);
  assert.is(plane.delivered.length, before.delivered);
}

test('a receiver index that is nobody’s is dropped', () => {
  const { left, right, leftPeer } = createPair();
  const datagram = forge(left, leftPeer, packet(left, right));
  datagram[5]! ^= 1;
  receive(right, { datagram });
  assert.is(right.device.counters['unknown-index-dropped'], 1);
  assert.is(right.plane.delivered.length, 0);
});

test('a session takes packets until it is 180 s old and none after', () => {
  const { network, left, right, leftPeer, rightPeer } = createPair();
  const [early, late] = [1, 2].map((id) => forge(left, leftPeer, packet(left, right, id)));
  network.filter = () => false;
  const { createdAt } = rightPeer.keypairs.current!;
  network.run(createdAt + 179_999 - network.now);
  receive(right, { datagram: early! });
  assert.is(right.plane.delivered.length, 1);
  network.run(1);
  receive(right, { datagram: late! });
  assert.is(right.plane.delivered.length, 1);
  assert.is(right.device.counters['expired-key-dropped'], 1);
});

test('a counter is marked as seen only after the tag was verified', () => {
  const { left, right, leftPeer } = createPair();
  const genuine = forge(left, leftPeer, packet(left, right));
  const changed = genuine.slice();
  changed[40]! ^= 1;
  receive(right, { datagram: changed }, { datagram: genuine });
  assert.is(right.device.counters['bad-tag-dropped'], 1);
  assert.is(right.device.counters['replayed-dropped'], 0);
  assert.is(right.plane.delivered.length, 1);
});

test('a counter is marked as seen before the source address is checked', () => {
  const { left, right, leftPeer } = createPair();
  const datagram = forge(left, leftPeer, ipPacket({ source: '10.0.0.77', destination: '10.0.0.2' }));
  receive(right, { datagram }, { datagram });
  assert.is(right.device.counters['source-check-dropped'], 1);
  assert.is(right.device.counters['replayed-dropped'], 1);
});

test('a packet 8128 behind the newest is taken, one 8129 behind is not', () => {
  const { left, right, leftPeer } = createPair();
  const at = (counter: number) => ({ datagram: forge(left, leftPeer, packet(left, right, counter), counter) });
  receive(right, at(20_000), at(20_000 - 8_128), at(20_000 - 8_129));
  assert.equal(right.plane.delivered.map(idOf), [20_000, 20_000 - 8_128]);
  assert.is(right.device.counters['replayed-dropped'], 1);
});

test('each packet is delivered once on a link that reorders and duplicates', () => {
  const { network, left, right } = createPair(7);
  const link: Partial<Link> = { jitterMs: 300, duplicate: 0.5 };
  Object.assign(network.link, link);
  const ids = Array.from({ length: 400 }, (_, id) => id);
  for (const id of ids) {
    left.send(packet(left, right, id));
    network.run(1);
  }
  network.run(1_000);
  const got = right.plane.delivered.map(idOf);
  assert.not.equal(got, ids, 'the link reorders');
  assert.ok(right.device.counters['replayed-dropped'] > 100, 'the link duplicates');
  assert.equal(
    got.toSorted((a, b) => a - b),
    ids,
  );
});

test('an IPv4 total length below 20 or beyond the packet is dropped', () => {
  const pair = createPair();
  for (const total of [0, 1, 19, 81, 96, 97, 65_535]) {
    const bytes = packet(pair.left, pair.right, 0, 80);
    new DataView(bytes.buffer).setUint16(2, total);
    checkDropped(pair, bytes, 'bad-length-dropped');
  }
});

test('an IPv6 payload length beyond the packet is dropped, even where 40 more wraps at 16 bits', () => {
  const pair = createPair();
  pair.rightPeer.addAllowedIp(parsePrefix('fd00::1/128')!.address, 128);
  for (const payload of [41, 42, 65_495, 65_496, 65_497, 65_535]) {
    const bytes = ipPacket({ source: 'fd00::1', destination: 'fd00::2', length: 80 });
    new DataView(bytes.buffer).setUint16(4, payload);
    checkDropped(pair, bytes, 'bad-length-dropped');
  }
});

test('a plaintext that is no IP packet is dropped', () => {
  const pair = createPair();
  const v6 = ipPacket({ source: 'fd00::1', destination: 'fd00::2' });
  for (let length = 1; length < 20; length++)
    checkDropped(pair, packet(pair.left, pair.right).slice(0, length), 'bad-length-dropped');
  for (let length = 20; length < 40; length++) checkDropped(pair, v6.slice(0, length), 'bad-length-dropped');
  for (const version of [0, 1, 2, 3, 5, 7, 15])
    checkDropped(pair, new Uint8Array(64).fill(version << 4), 'bad-length-dropped');
});

test('padding is cut off at the length that the packet names', () => {
  const { left, right, leftPeer, rightPeer } = createPair();
  rightPeer.addAllowedIp(parsePrefix('fd00::1/128')!.address, 128);
  for (let length = 40; length <= 100; length++) {
    const v4 = packet(left, right, 1, length);
    const v6 = ipPacket({ source: 'fd00::1', destination: 'fd00::2', length });
    for (const inner of [v4, v6]) {
      for (const padding of [0, 1, 15, 16, 100]) {
        right.plane.delivered.length = 0;
        receive(right, { datagram: forge(left, leftPeer, Uint8Array.of(...inner, ...new Uint8Array(padding))) });
        assert.equal(right.plane.delivered, [inner]);
      }
    }
  }
});

test('a keepalive counts 32 bytes and is not delivered', () => {
  const { left, right, leftPeer, rightPeer } = createPair();
  const before = rightPeer.rxBytes;
  receive(right, { datagram: forge(left, leftPeer, new Uint8Array(0)) });
  assert.is(rightPeer.rxBytes, before + 32);
  assert.is(right.device.counters['keepalives-received'], 1);
  assert.is(right.plane.delivered.length, 0);
  assert.is(dropsOf(right.device), 0);
});

test('reverse path rejects a source owned by another peer', () => {
  const pair = createPair();
  const { network, left, right, leftPeer, rightPeer } = pair;
  const other = right.device.addPeer(network.random.key(), network.now)!;
  rightPeer.addAllowedIp(Uint8Array.of(10, 0, 0, 0), 24);
  rightPeer.addAllowedIp(parsePrefix('fd00::/64')!.address, 64);
  other.addAllowedIp(Uint8Array.of(10, 0, 0, 9), 32);
  other.addAllowedIp(parsePrefix('fd00::9/128')!.address, 128);
  checkDropped(pair, ipPacket({ source: '10.0.0.9', destination: '10.0.0.2' }), 'source-check-dropped');
  checkDropped(pair, ipPacket({ source: 'fd00::9', destination: 'fd00::2' }), 'source-check-dropped');
  const own = [
    ipPacket({ source: '10.0.0.8', destination: '10.0.0.2' }),
    ipPacket({ source: 'fd00::8', destination: 'fd00::2' }),
  ];
  for (const each of own) receive(right, { datagram: forge(left, leftPeer, each) });
  assert.equal(right.plane.delivered, own);
});

test('a source that is nobody’s is dropped', () => {
  const pair = createPair();
  checkDropped(pair, ipPacket({ source: '10.0.0.200', destination: '10.0.0.2' }), 'source-check-dropped');
  checkDropped(pair, ipPacket({ source: 'fd00::200', destination: 'fd00::2' }), 'source-check-dropped');
});

test('a prefix that moved to another peer takes its source along', () => {
  const pair = createPair();
  const { network, left, right, leftPeer, rightPeer } = pair;
  const other = right.device.addPeer(network.random.key(), network.now)!;
  other.addAllowedIp(Uint8Array.of(10, 0, 0, 1), 32);
  checkDropped(pair, packet(left, right), 'source-check-dropped');
  rightPeer.addAllowedIp(Uint8Array.of(10, 0, 0, 1), 32);
  receive(right, { datagram: forge(left, leftPeer, packet(left, right)) });
  assert.is(right.plane.delivered.length, 1);
});

test('what must be dropped does not cost the packets beside it in the batch', () => {
  const { left, right, leftPeer } = createPair();
  const good = (id: number) => ({ datagram: forge(left, leftPeer, packet(left, right, id)) });
  const spoofed = { datagram: forge(left, leftPeer, ipPacket({ source: '10.0.0.9', destination: '10.0.0.2' })) };
  const short = new Uint8Array(20);
  writeWord(4, short, 0);
  const first = good(1);
  receive(right, first, first, spoofed, good(2), { datagram: short }, { datagram: new Uint8Array(0) }, good(3));
  assert.equal(right.plane.delivered.map(idOf), [1, 2, 3]);
});

test.run();
