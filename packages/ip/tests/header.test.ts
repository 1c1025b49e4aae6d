import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  destinationAt,
  innerPacketLength,
  internetChecksum,
  ipVersion,
  ipv4HeaderLength,
  ipv4TotalLength,
  ipv6PayloadLength,
  readTos,
  readUint16,
  readUint32,
  sourceAt,
  writeEcn,
  writeUint32,
} from '../src/index.ts';
import { ipv4, ipv6, V4_DESTINATION, V4_SOURCE, V6_DESTINATION, V6_SOURCE } from './packets.ts';

const padded = (packet: Uint8Array, before: number, after: number): Uint8Array => {
  const bytes = new Uint8Array(before + packet.length + after).fill(0xee);
  bytes.set(packet, before);
  return bytes;
};

test('padding after a packet is not part of its length', () => {
  const payload = [1, 2, 3];
  assert.is(innerPacketLength(padded(ipv4({ payload }), 5, 9), 5, 32), 23);
  assert.is(innerPacketLength(padded(ipv6({ payload }), 5, 9), 5, 52), 43);
});

test('a packet that says it is longer than what there is has no length', () => {
  assert.is(innerPacketLength(padded(ipv4({ payload: [1] }), 0, 9), 0, 20), 0);
  assert.is(innerPacketLength(padded(ipv6({ payload: [1] }), 0, 9), 0, 40), 0);
});

test('an IPv4 total length below 20 is no length', () => {
  const packet = ipv4({ payload: [1, 2] });
  for (const length of [0, 1, 19]) {
    packet[3] = length;
    assert.is(innerPacketLength(packet, 0, packet.length), 0);
  }
});

test('the longest IPv6 packet does not wrap at 16 bits', () => {
  const packet = padded(ipv6(), 0, 65_535);
  packet[4] = 0xff;
  packet[5] = 0xff;
  assert.is(innerPacketLength(packet, 0, packet.length), 65_575);
  assert.is(innerPacketLength(packet, 0, 65_574), 0);
  assert.is(innerPacketLength(packet, 0, 39), 0);
});

test('what is neither version 4 nor 6 is no packet', () => {
  for (const version of [0, 1, 2, 3, 5, 7, 8, 15]) {
    const packet = padded(ipv4(), 0, 60);
    packet[0] = (version << 4) | 5;
    assert.is(innerPacketLength(packet, 0, packet.length), 0);
  }
});

test('fields are read where the figures have them', () => {
  const v4 = padded(ipv4({ tos: 0xb9, options: [1, 1, 1, 1], payload: [7] }), 3, 0);
  assert.equal([ipVersion(v4, 3), ipv4HeaderLength(v4, 3), ipv4TotalLength(v4, 3), readTos(v4, 3)], [4, 24, 25, 0xb9]);
  assert.equal(Array.from(v4.subarray(sourceAt(v4, 3), sourceAt(v4, 3) + 4)), V4_SOURCE);
  assert.equal(Array.from(v4.subarray(destinationAt(v4, 3), destinationAt(v4, 3) + 4)), V4_DESTINATION);
  const v6 = padded(ipv6({ tos: 0xb9, payload: [7] }), 3, 0);
  assert.equal([ipVersion(v6, 3), ipv6PayloadLength(v6, 3), readTos(v6, 3)], [6, 1, 0xb9]);
  assert.equal(Array.from(v6.subarray(sourceAt(v6, 3), sourceAt(v6, 3) + 16)), V6_SOURCE);
  assert.equal(Array.from(v6.subarray(destinationAt(v6, 3), destinationAt(v6, 3) + 16)), V6_DESTINATION);
});

test('writing ECN changes those two bits and keeps the header checksum right', () => {
  fc.assert(
    fc.property(fc.nat(255), fc.nat(3), fc.nat(0xffff), fc.boolean(), (tos, ecn, id, isV4) => {
      const options = { tos, id, payload: [1, 2, 3] };
      const packet = isV4 ? ipv4(options) : ipv6(options);
      writeEcn(packet, 0, ecn);
      const expected = { ...options, tos: (tos & 0xfc) | ecn };
      assert.equal(packet, isV4 ? ipv4(expected) : ipv6(expected));
      assert.is(readTos(packet, 0), expected.tos);
      if (isV4) assert.is(internetChecksum(packet, 0, 20), 0);
    }),
  );
});

test('words are read and written unsigned and big-endian', () => {
  const bytes = new Uint8Array(4);
  writeUint32(bytes, 0, 0xfedcba98);
  assert.equal(bytes, Uint8Array.of(0xfe, 0xdc, 0xba, 0x98));
  assert.is(readUint32(bytes, 0), 0xfedcba98);
  assert.is(readUint16(bytes, 4), 0);
});

test.run();
