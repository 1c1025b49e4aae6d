import { internetChecksum, parseEndpoint, parsePrefix, pseudoHeaderSum } from '@pcloud/ip';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FRAME, LAYOUT, REGIONS } from '../src/batch.ts';
import { kindOf, sentBy } from './sim/messages.ts';
import { connect, createSimNetwork, packet, type SimHost, type SimNetwork } from './sim/network.ts';
import { idOf, ipPacket } from './sim/packets.ts';
import { contextOf, createPair, receive } from './sim/session.ts';

const UNREACHABLE_V4 = 3;
const UNREACHABLE_V6 = 1;

/** A peer that nobody answers for, whose first initiation shows that a packet was for it. */
function addPeer(network: SimNetwork, host: SimHost, number: number, prefixes: readonly string[], endpoint = true) {
  const peer = host.device.addPeer(network.random.key(), network.now)!;
  for (const text of prefixes) {
    const { address, length } = parsePrefix(text)!;
    peer.addAllowedIp(address, length);
  }
  if (endpoint) peer.setEndpoint(parseEndpoint(`198.51.100.${number}:${number}`)!);
  return peer;
}

/** The number of the peer that a packet is for, 0 for none. */
function ownerOf(prefixes: readonly string[], source: string, destination: string): number {
  const network = createSimNetwork();
  const host = network.addHost('host');
  for (const [index, prefix] of prefixes.entries()) addPeer(network, host, index + 1, [prefix]);
  host.send(ipPacket({ source, destination }));
  assert.ok(network.sent.length <= 1);
  return Number(network.sent[0]?.to.split(':')[1] ?? 0);
}

test('of nested IPv4 prefixes the longest that holds the destination decides', () => {
  const prefixes = ['0.0.0.0/0', '10.0.0.0/8', '10.1.0.0/16', '10.1.2.0/24', '10.1.2.3/32'];
  const expected = { '9.9.9.9': 1, '10.9.9.9': 2, '10.1.9.9': 3, '10.1.2.9': 4, '10.1.2.3': 5 };
  for (const [destination, owner] of Object.entries(expected)) {
    assert.is(ownerOf(prefixes, '10.0.0.1', destination), owner, destination);
    assert.is(ownerOf(prefixes.toReversed(), '10.0.0.1', destination), 6 - owner, `${destination}, entered in reverse`);
  }
});

test('of nested IPv6 prefixes the longest that holds the destination decides', () => {
  const prefixes = ['::/0', 'fd00::/8', 'fd00:1::/32', 'fd00:1::/64', 'fd00:1::2/127', 'fd00:1::3/128'];
  const expected = {
    '2001:db8::1': 1,
    'fd77::1': 2,
    'fd00:1:9::': 3,
    'fd00:1::9': 4,
    'fd00:1::2': 5,
    'fd00:1::3': 6,
  };
  for (const [destination, owner] of Object.entries(expected)) {
    assert.is(ownerOf(prefixes, 'fd00::1', destination), owner, destination);
  }
});

test('a default route of one IP version takes nothing of the other', () => {
  assert.is(ownerOf(['0.0.0.0/0'], 'fd00::1', 'fd00::2'), 0);
  assert.is(ownerOf(['::/0'], '10.0.0.1', '10.0.0.2'), 0);
});

test('what is no IP packet is dropped without an ICMP error', () => {
  const network = createSimNetwork();
  const host = network.addHost('host');
  addPeer(network, host, 1, ['0.0.0.0/0', '::/0']);
  const bad = [new Uint8Array(0), packet(host, host).subarray(0, 19)];
  bad.push(ipPacket({ source: 'fd00::1', destination: 'fd00::2' }).subarray(0, 39));
  for (const version of [0, 1, 2, 3, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15])
    bad.push(new Uint8Array(100).fill(version << 4));
  for (const each of bad) host.send(each);
  assert.is(host.device.counters['not-ip-dropped'], bad.length);
  assert.is(host.plane.delivered.length, 0);
  assert.is(network.sent.length, 0);
});

test('the shortest IP packets are taken', () => {
  const network = createSimNetwork();
  const host = network.addHost('host');
  addPeer(network, host, 1, ['0.0.0.0/0', '::/0']);
  host.send(ipPacket({ source: '10.0.0.1', destination: '10.0.0.2', length: 20 }));
  host.send(ipPacket({ source: 'fd00::1', destination: 'fd00::2', length: 40 }));
  assert.is(host.device.counters['not-ip-dropped'], 0);
  assert.is(sentBy(network, host, 'initiation').length, 1);
});

/** Checks an ICMP error "address unreachable" about a packet, to its sender. */
function checkUnreachable(error: Uint8Array, about: Uint8Array): void {
  if (about[0]! >> 4 === 4) {
    assert.equal([error[9], error[20], error[21]], [1, UNREACHABLE_V4, 1]);
    assert.equal(error.slice(16, 20), about.slice(12, 16));
    assert.is(internetChecksum(error, 0, 20), 0);
    assert.is(internetChecksum(error, 20, error.length - 20), 0);
    assert.equal(error.slice(28), about);
    return;
  }
  assert.equal([error[6], error[40], error[41]], [58, UNREACHABLE_V6, 3]);
  assert.equal(error.slice(24, 40), about.slice(8, 24));
  const length = error.length - 40;
  assert.is(internetChecksum(error, 40, length, pseudoHeaderSum(error, 0, 58, length)), 0);
  assert.equal(error.slice(48), about);
}

const BOTH_VERSIONS = [
  { source: '10.0.0.1', destination: '10.0.0.2' },
  { source: 'fd00::1', destination: 'fd00::2' },
];

test('a packet for nobody is answered into the TUN that the address is unreachable', () => {
  for (const addresses of BOTH_VERSIONS) {
    const network = createSimNetwork();
    const host = network.addHost('host');
    const lost = ipPacket(addresses);
    host.send(lost);
    assert.is(host.plane.delivered.length, 1);
    checkUnreachable(host.plane.delivered[0]!, lost);
    assert.is(host.device.counters['no-route-dropped'], 1);
  }
});

test('a packet for a peer without an endpoint is answered likewise and does not wait', () => {
  for (const addresses of BOTH_VERSIONS) {
    const network = createSimNetwork();
    const host = network.addHost('host');
    const peer = addPeer(network, host, 1, ['10.0.0.2/32', 'fd00::2/128'], false);
    const lost = ipPacket(addresses);
    host.send(lost);
    assert.is(host.plane.delivered.length, 1);
    checkUnreachable(host.plane.delivered[0]!, lost);
    assert.is(host.device.counters['no-endpoint-dropped'], 1);
    peer.setEndpoint(parseEndpoint('198.51.100.1:1')!);
    peer.start(network.now);
    host.drain();
    assert.is(network.sent.length, 0);
  }
});

test('at most 100 ICMP errors a second go into the TUN', () => {
  const network = createSimNetwork();
  const host = network.addHost('host');
  const flood = (): void => {
    for (let i = 0; i < 500; i++) host.send(ipPacket(BOTH_VERSIONS[i % 2]!));
  };
  flood();
  assert.is(host.plane.delivered.length, 100);
  assert.is(host.device.counters['no-route-dropped'], 500);
  network.run(1_000);
  flood();
  assert.is(host.plane.delivered.length, 200);
});

test('an ICMP error that goes nowhere is not answered with another one', () => {
  const network = createSimNetwork();
  const host = network.addHost('host');
  const [v4, v6] = BOTH_VERSIONS;
  for (const type of [3, 4, 5, 11, 12]) host.send(ipPacket({ ...v4!, protocol: 1, payload: Uint8Array.of(type) }));
  for (const type of [1, 2, 3, 4, 127]) host.send(ipPacket({ ...v6!, protocol: 58, payload: Uint8Array.of(type) }));
  assert.is(host.plane.delivered.length, 0);
  assert.is(host.device.counters['no-route-dropped'], 10);
  host.send(ipPacket({ ...v4!, protocol: 1, payload: Uint8Array.of(8) }));
  host.send(ipPacket({ ...v6!, protocol: 58, payload: Uint8Array.of(128) }));
  assert.is(host.plane.delivered.length, 2);
});

/** UDP payload bytes that packets of these lengths become. */
function sealedLengths(mtu: number | undefined, lengths: readonly number[]): number[] {
  const { network, left, right } = createPair();
  if (mtu !== undefined) left.device.setMtu(mtu);
  for (const length of lengths) left.send(packet(left, right, 0, length));
  return network.sent.map(({ datagram }) => datagram.length);
}

test('a packet is padded to a multiple of 16, and no further than the MTU', () => {
  const lengths = Array.from({ length: 1_420 - 24 + 1 }, (_, index) => 24 + index);
  const expected = lengths.map((length) => 32 + Math.min(Math.ceil(length / 16) * 16, 1_420));
  assert.equal(sealedLengths(undefined, lengths), expected);
});

test('a changed MTU is what padding goes by from then on', () => {
  assert.equal(sealedLengths(1_290, [1_280, 1_281, 1_289, 1_290]), [1_312, 1_322, 1_322, 1_322]);
  assert.equal(sealedLengths(9_000, [1_420, 8_993, 9_000]), [1_456, 9_032, 9_032]);
});

test('of a packet larger than the MTU the part behind the last full unit is padded', () => {
  assert.equal(sealedLengths(1_420, [1_421, 1_436, 2_839, 2_840]), [1_468, 1_468, 2_872, 2_872]);
});

test('without an MTU a packet is padded to a multiple of 16', () => {
  assert.equal(sealedLengths(0, [24, 32, 33, 1_409, 1_420, 9_001]), [64, 64, 80, 1_456, 1_456, 9_040]);
});

test('a keepalive has exactly 32 bytes and no class, whatever the MTU', () => {
  for (const mtu of [0, 1, 16, 1_280, 1_420]) {
    const { network, left, leftPeer } = createPair();
    left.device.setMtu(mtu);
    leftPeer.setKeepaliveInterval(25, network.now);
    leftPeer.start(network.now);
    left.drain();
    assert.equal(
      network.sent.map(({ datagram, tos }) => [datagram.length, tos]),
      [[32, 0]],
    );
  }
});

test('the ECN field of a packet is copied outside, its DSCP is not', () => {
  const { network, left, leftPeer } = createPair();
  leftPeer.addAllowedIp(parsePrefix('fd00::2/128')!.address, 128);
  const addresses = [{ source: '10.0.0.1', destination: '10.0.0.2' }, BOTH_VERSIONS[1]!];
  for (const each of addresses) {
    for (let tos = 0; tos < 256; tos++) {
      network.sent.length = 0;
      left.send(ipPacket({ ...each, tos }));
      assert.is(network.sent[0]!.tos, tos & 3, `inner ${tos}`);
    }
  }
});

test('what waited for the session goes before what came with the response', () => {
  const network = createSimNetwork();
  const left = network.addHost('left');
  const right = network.addHost('right');
  connect(left, right, network.now);
  network.filter = (sent) => kindOf(sent) !== 'response';
  for (let id = 0; id < 30; id++) left.send(packet(left, right, id));
  network.run(100);
  for (let id = 30; id < 35; id++) left.plane.tunQueue.push(packet(left, right, id));
  receive(left, { datagram: sentBy(network, right, 'response')[0]!.datagram, from: right.address });
  left.send(packet(left, right, 35));
  network.run(100);
  assert.equal(
    right.plane.delivered.map(idOf),
    Array.from({ length: 36 }, (_, id) => id),
  );
});

test('a packet read between the response and what waited goes behind that', () => {
  const network = createSimNetwork();
  const left = network.addHost('left');
  const right = network.addHost('right');
  connect(left, right, network.now);
  network.filter = (sent) => kindOf(sent) !== 'response';
  for (let id = 0; id < 3; id++) left.send(packet(left, right, id));
  network.run(100);
  const [response] = sentBy(network, right, 'response');
  left.plane.udpQueue.push({ datagram: response!.datagram, source: parseEndpoint(right.address)!, tos: 0 });
  left.device.handleDatagrams(left.plane.udpReceive(), network.now);
  left.send(packet(left, right, 3));
  network.run(100);
  assert.equal(right.plane.delivered.map(idOf), [0, 1, 2, 3]);
});

test('a super-packet takes one counter for each of its segments', () => {
  const { network, left, right, leftPeer } = createPair();
  const { frames, bytes } = left.plane.batch;
  const at = REGIONS.TUN + LAYOUT.TUN_HEADROOM;
  bytes.set(packet(left, right), at);
  frames.fill(0, 0, FRAME.WORDS);
  frames[FRAME.OFFSET] = at;
  frames[FRAME.LENGTH] = 64;
  frames[FRAME.SEGMENTS] = 45;
  const first = leftPeer.keypairs.current!.sendLow;
  left.device.handleFrames(1, network.now);
  assert.is(frames[FRAME.COUNTER_LOW], first);
  assert.is(leftPeer.keypairs.current!.sendLow, first + 45);
  left.device.handleSent(1, network.now);
  left.send(packet(left, right));
  assert.is(new DataView(network.sent[0]!.datagram.buffer).getUint32(8, true), first + 45);
});

test('a packet that comes while the interface is down is dropped and not sent later', () => {
  const { network, left, right, leftPeer } = createPair();
  left.device.down(network.now);
  left.send(packet(left, right));
  assert.is(leftPeer.staged.packets, 0);
  left.device.up(network.now);
  left.drain();
  network.run(1_000);
  assert.is(right.plane.delivered.length, 0);
  assert.is(contextOf(leftPeer).ready.size, 0);
});

test.run();
