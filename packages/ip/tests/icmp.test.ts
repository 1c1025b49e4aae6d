import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { buildPacketTooBig, buildUnreachable, internetChecksum, type UnreachableReason } from '../src/index.ts';
import {
  ipv4,
  ipv6,
  type PacketOptions,
  transportChecksum,
  V4_DESTINATION,
  V4_SOURCE,
  V6_DESTINATION,
  V6_SOURCE,
} from './packets.ts';

const payload = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i);
const unreachable = (packet: Uint8Array, reason: UnreachableReason = 'address'): Uint8Array | undefined =>
  buildUnreachable(packet, 0, packet.length, reason);
const v4Answer = (options: PacketOptions): Uint8Array | undefined =>
  unreachable(ipv4({ payload: payload(30), ...options }));
const v6Answer = (options: PacketOptions): Uint8Array | undefined =>
  unreachable(ipv6({ payload: payload(30), ...options }));

test('an IPv4 error goes back to the sender, from the address it wrote to', () => {
  const error = v4Answer({})!;
  assert.is(error[9], 1);
  assert.equal(Array.from(error.subarray(12, 16)), V4_DESTINATION);
  assert.equal(Array.from(error.subarray(16, 20)), V4_SOURCE);
  assert.is((error[2]! << 8) | error[3]!, error.length);
});

test('an IPv6 error goes back to the sender, from the address it wrote to', () => {
  const error = v6Answer({})!;
  assert.is(error[6], 58);
  assert.equal(Array.from(error.subarray(8, 24)), V6_DESTINATION);
  assert.equal(Array.from(error.subarray(24, 40)), V6_SOURCE);
  assert.is((error[4]! << 8) | error[5]!, error.length - 40);
});

test('checksums of an error are right', () => {
  for (const length of [0, 1, 30, 31, 2000]) {
    const v4 = unreachable(ipv4({ payload: payload(length) }))!;
    assert.is(internetChecksum(v4, 0, 20), 0);
    assert.is(internetChecksum(v4, 20, v4.length - 20), 0);
    const v6 = unreachable(ipv6({ payload: payload(length) }))!;
    assert.is(transportChecksum(v6, 40, 58), 0);
  }
});

test('each reason has its type and code in both families', () => {
  const expected: Record<UnreachableReason, readonly number[]> = {
    'no-route': [3, 0, 1, 0],
    address: [3, 1, 1, 3],
    port: [3, 3, 1, 4],
    prohibited: [3, 13, 1, 1],
  };
  for (const [reason, codes] of Object.entries(expected) as [UnreachableReason, readonly number[]][]) {
    const v4 = unreachable(ipv4({ payload: payload(30) }), reason)!;
    const v6 = unreachable(ipv6({ payload: payload(30) }), reason)!;
    assert.equal([v4[20], v4[21], v6[40], v6[41]], codes, reason);
  }
});

test('the whole of a short packet is quoted, without padding behind it', () => {
  const packet = ipv4({ payload: payload(30) });
  const bytes = new Uint8Array(100);
  bytes.set(packet, 7);
  assert.equal(buildUnreachable(bytes, 7, 80, 'address')!.subarray(28), packet);
  const packet6 = ipv6({ payload: payload(30) });
  assert.equal(unreachable(packet6)!.subarray(48), packet6);
});

test('an error is cut at 576 bytes in IPv4 and 1280 in IPv6', () => {
  assert.is(v4Answer({ payload: payload(548 - 20) })!.length, 576);
  assert.is(v4Answer({ payload: payload(548 - 19) })!.length, 576);
  assert.is(v6Answer({ payload: payload(1232 - 40) })!.length, 1280);
  assert.is(v6Answer({ payload: payload(3000) })!.length, 1280);
});

test('IPv4 options are quoted with at least eight bytes behind them', () => {
  const packet = ipv4({ options: new Array(40).fill(1), payload: payload(900) });
  assert.equal(unreachable(packet)!.subarray(28), packet.subarray(0, 548));
});

test('too big says the MTU in both families', () => {
  const v4 = ipv4({ payload: payload(1400) });
  const error = buildPacketTooBig(v4, 0, v4.length, 1280)!;
  assert.equal(Array.from(error.subarray(20, 22)), [3, 4]);
  assert.equal(Array.from(error.subarray(24, 28)), [0, 0, 0x05, 0x00]);
  assert.is(internetChecksum(error, 20, error.length - 20), 0);
  const v6 = ipv6({ payload: payload(1400) });
  const error6 = buildPacketTooBig(v6, 0, v6.length, 1280)!;
  assert.equal(Array.from(error6.subarray(40, 42)), [2, 0]);
  assert.equal(Array.from(error6.subarray(44, 48)), [0, 0, 0x05, 0x00]);
  assert.is(transportChecksum(error6, 40, 58), 0);
});

test('an IPv4 packet that may be fragmented is never too big', () => {
  const packet = ipv4({ fragment: 0, payload: payload(1400) });
  assert.is(buildPacketTooBig(packet, 0, packet.length, 1280), undefined);
});

test('an ICMP error is never answered, an echo request is', () => {
  for (const type of [3, 4, 5, 11, 12])
    assert.is(v4Answer({ protocol: 1, payload: [type, 0, 0, 0, 0, 0, 0, 0] }), undefined);
  assert.ok(v4Answer({ protocol: 1, payload: [8, 0, 0, 0, 0, 0, 0, 0] }));
  for (const type of [1, 2, 3, 4, 100, 127, 137])
    assert.is(v6Answer({ protocol: 58, payload: [type, 0, 0, 0] }), undefined);
  assert.ok(v6Answer({ protocol: 58, payload: [128, 0, 0, 0, 0, 0, 0, 0] }));
});

test('an ICMP error behind an extension header is not answered either', () => {
  assert.is(v6Answer({ protocol: 60, options: [58, 0, 0, 0, 0, 0, 0, 0], payload: [1, 0, 0, 0] }), undefined);
});

test('an ICMP message without a type is not answered', () => {
  assert.is(v4Answer({ protocol: 1, payload: [] }), undefined);
  assert.is(v6Answer({ protocol: 58, payload: [] }), undefined);
});

test('a fragment is answered only when it is the first', () => {
  assert.ok(v4Answer({ fragment: 0x2000 }));
  assert.is(v4Answer({ fragment: 0x2001 }), undefined);
  assert.ok(v6Answer({ protocol: 44, options: [17, 0, 0, 1, 0, 0, 0, 0] }));
  assert.is(v6Answer({ protocol: 44, options: [17, 0, 0, 9, 0, 0, 0, 0] }), undefined);
});

test('addresses that are not those of one host get and send no error', () => {
  const v4 = [
    [0, 0, 0, 0],
    [127, 0, 0, 1],
    [224, 0, 0, 1],
    [239, 1, 2, 3],
    [240, 0, 0, 1],
    [255, 255, 255, 255],
  ];
  for (const address of v4) {
    assert.is(v4Answer({ source: address }), undefined);
    assert.is(v4Answer({ destination: address }), undefined);
  }
  const zeros = new Array<number>(15).fill(0);
  for (const address of [
    [...zeros, 0],
    [...zeros, 1],
    [0xff, 2, ...zeros.slice(1)],
  ]) {
    assert.is(v6Answer({ source: address }), undefined);
    assert.is(v6Answer({ destination: address }), undefined);
  }
});

test('what is no packet is not answered', () => {
  for (const packet of [
    new Uint8Array(0),
    new Uint8Array(60),
    ipv4({ payload: payload(9) }).subarray(0, 25),
    ipv6().subarray(0, 39),
  ]) {
    assert.is(unreachable(packet), undefined);
    assert.is(buildPacketTooBig(packet, 0, packet.length, 1280), undefined);
  }
});

test.run();
