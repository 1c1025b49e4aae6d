import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  createFrameShape,
  type FrameShape,
  finishChecksum,
  GSO,
  measureFrame,
  pseudoHeaderSum,
  writeSegment,
} from '../src/index.ts';
import { transportChecksum } from './packets.ts';
import { pattern, type TcpOptions, tcp, transportStart, udp } from './segment-packets.ts';

const measure = (packet: Uint8Array, gsoType: number, gsoSize: number): FrameShape | undefined => {
  const shape = createFrameShape();
  return measureFrame(packet, 0, packet.length, gsoType, gsoSize, shape) ? shape : undefined;
};

/** Cuts a packet that lies in the middle of an array, into the middle of another. */
const cut = (packet: Uint8Array, gsoType: number, gsoSize: number): Uint8Array[] => {
  const at = 13;
  const bytes = new Uint8Array(at + packet.length + 9).fill(0xee);
  bytes.set(packet, at);
  const shape = createFrameShape();
  assert.ok(measureFrame(bytes, at, packet.length, gsoType, gsoSize, shape));
  return Array.from({ length: shape.segments }, (_, index) => {
    const out = new Uint8Array(packet.length + 20).fill(0xdd);
    const length = writeSegment(bytes, at, packet.length, shape, index, out, 7);
    assert.ok(
      out.subarray(0, 7).every((byte) => byte === 0xdd) && out.subarray(7 + length).every((byte) => byte === 0xdd),
    );
    return out.slice(7, 7 + length);
  });
};

const slices = (payload: Uint8Array, size: number): Uint8Array[] =>
  Array.from({ length: Math.ceil(payload.length / size) }, (_, i) => payload.subarray(i * size, (i + 1) * size));

const EVERY_FLAG = 0x99; // FIN, PSH, ACK, CWR

test('a TCP super-packet becomes the packets a sender would have made', () => {
  const payload = fc.uint8Array({ minLength: 1, maxLength: 400 });
  fc.assert(
    fc.property(
      payload,
      fc.integer({ min: 1, max: 150 }),
      fc.constantFrom<4 | 6>(4, 6),
      fc.nat(0xffff_ffff),
      fc.nat(0xffff),
      (bytes, size, family, sequence, id) => {
        const options: TcpOptions = { family, tcpOptions: [1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8], tos: 0x2b };
        const frame = tcp({ ...options, sequence, id, flags: EVERY_FLAG, payload: bytes });
        const parts = slices(bytes, size);
        const expected = parts.map((part, i) => {
          const flags = 0x10 | (i === 0 ? 0x80 : 0) | (i === parts.length - 1 ? 0x09 : 0);
          return tcp({
            ...options,
            sequence: (sequence + i * size) >>> 0,
            id: (id + i) & 0xffff,
            flags,
            payload: part,
          });
        });
        assert.equal(cut(frame, family === 4 ? GSO.TCPV4 : GSO.TCPV6, size), expected);
      },
    ),
  );
});

test('a UDP super-packet becomes datagrams of their own', () => {
  const payload = fc.uint8Array({ minLength: 1, maxLength: 400 });
  fc.assert(
    fc.property(
      payload,
      fc.integer({ min: 1, max: 150 }),
      fc.constantFrom<4 | 6>(4, 6),
      fc.nat(0xffff),
      (bytes, size, family, id) => {
        const frame = udp({ family, id, payload: bytes });
        const expected = slices(bytes, size).map((part, i) => udp({ family, id: (id + i) & 0xffff, payload: part }));
        assert.equal(cut(frame, GSO.UDP, size), expected);
      },
    ),
  );
});

test('IPv4 options and IPv6 options headers are in every segment', () => {
  const v4: TcpOptions = { options: [7, 3, 4, 0], payload: pattern(25), sequence: 9 };
  assert.equal(
    cut(tcp(v4), GSO.TCPV4, 10),
    slices(pattern(25), 10).map((payload, i) => tcp({ ...v4, payload, sequence: 9 + i * 10, id: i })),
  );
  const v6: TcpOptions = { family: 6, protocol: 60, options: [6, 0, 1, 4, 0, 0, 0, 0], payload: pattern(25) };
  assert.equal(
    cut(tcp(v6), GSO.TCPV6, 10),
    slices(pattern(25), 10).map((payload, i) => tcp({ ...v6, payload, sequence: i * 10 })),
  );
});

test('the largest super-packets are cut', () => {
  for (const [family, type] of [
    [4, GSO.TCPV4],
    [6, GSO.TCPV6],
  ] as const) {
    const frame = tcp({ family, payload: pattern(65_535 - (family === 4 ? 40 : 20)) });
    const parts = cut(frame, type, 1380);
    assert.is(parts.length, 48);
    for (const part of parts) assert.is(transportChecksum(part, transportStart({ family }), 6), 0);
  }
});

test('a UDP checksum that comes out as zero is written as all ones', () => {
  // The checksum of a payload of zeros, as the payload, makes the sum all ones.
  const base = udp({ payload: [0, 0] });
  const [first] = cut(base, GSO.UDP, 2);
  const checksum = (first![26]! << 8) | first![27]!;
  const crafted = udp({ payload: [checksum >> 8, checksum & 0xff] });
  assert.equal(Array.from(cut(crafted, GSO.UDP, 2)[0]!.subarray(26, 28)), [0xff, 0xff]);
});

test('lengths come from the packet: header, transport start, segments', () => {
  const shape = measure(tcp({ tcpOptions: [1, 1, 1, 1], payload: pattern(101) }), GSO.TCPV4, 50);
  assert.equal(shape, {
    gsoType: 1,
    gsoSize: 50,
    headerLength: 44,
    checksumStart: 20,
    checksumOffset: 16,
    segments: 3,
  });
  const shape6 = measure(udp({ family: 6, payload: pattern(100) }), GSO.UDP, 50);
  assert.equal(shape6, {
    gsoType: 5,
    gsoSize: 50,
    headerLength: 48,
    checksumStart: 40,
    checksumOffset: 6,
    segments: 2,
  });
});

test('a frame that is not what its type says cannot be cut', () => {
  const payload = pattern(50);
  const cases: [Uint8Array, number, number][] = [
    [tcp({ payload }), GSO.TCPV6, 10],
    [tcp({ family: 6, payload }), GSO.TCPV4, 10],
    [tcp({ payload }), GSO.UDP, 10],
    [udp({ payload }), GSO.TCPV4, 10],
    [udp({ payload }), 3, 10],
    [tcp({ payload }), GSO.TCPV4 | 0x80, 10],
    [tcp({ payload }), GSO.TCPV4, 0],
    [tcp({ payload }), GSO.TCPV4, -1],
    [tcp({ payload }), GSO.TCPV4, 65_536],
    [tcp({ payload, fragment: 0x2000 }), GSO.TCPV4, 10],
    [tcp({ payload, fragment: 0x0010 }), GSO.TCPV4, 10],
    [tcp({ payload: [] }), GSO.TCPV4, 10],
    [tcp({ payload: [] }).subarray(0, 39), GSO.TCPV4, 10],
    [udp({ payload: [] }).subarray(0, 27), GSO.UDP, 10],
    [tcp({ family: 6, protocol: 43, options: [6, 0, 0, 0, 0, 0, 0, 0], payload }), GSO.TCPV6, 10],
    [tcp({ family: 6, protocol: 44, options: [6, 0, 0, 1, 0, 0, 0, 0], payload }), GSO.TCPV6, 10],
    [tcp({ family: 6, protocol: 60, options: [6, 31, ...new Array<number>(254).fill(0)], payload }), GSO.TCPV6, 10],
    [new Uint8Array(0), GSO.TCPV4, 10],
    [new Uint8Array(100), GSO.UDP, 10],
  ];
  for (const [i, [packet, type, size]] of cases.entries())
    assert.is(measure(packet, type, size), undefined, `case ${i}`);
});

test('a TCP header length that is short or past the end cannot be cut', () => {
  for (const words of [0, 4, 15]) {
    const packet = tcp({ payload: pattern(20) });
    packet[32] = words << 4;
    assert.is(measure(packet, GSO.TCPV4, 10), undefined);
  }
});

test('there is no segment behind the last', () => {
  const packet = udp({ payload: pattern(20) });
  const shape = measure(packet, GSO.UDP, 10)!;
  assert.is(writeSegment(packet, 0, packet.length, shape, 2, new Uint8Array(100), 0), 0);
});

test('segments can be written into the array the frame lies in', () => {
  const packet = tcp({ payload: pattern(95) });
  const slab = new Uint8Array(1000);
  slab.set(packet, 3);
  const shape = measure(packet, GSO.TCPV4, 40)!;
  const end = writeSegment(slab, 3, packet.length, shape, 2, slab, 500);
  assert.equal(slab.subarray(500, 500 + end), cut(packet, GSO.TCPV4, 40)[2]);
});

test('a checksum left to be finished is finished, in a frame that is not cut', () => {
  for (const family of [4, 6] as const) {
    const whole = udp({ family, payload: pattern(33) });
    const partial = whole.slice();
    const start = transportStart({ family });
    const pseudo = pseudoHeaderSum(partial, 0, 17, partial.length - start);
    partial[start + 6] = pseudo >> 8;
    partial[start + 7] = pseudo & 0xff;
    const shape = measure(partial, GSO.NONE, 0)!;
    shape.checksumStart = start;
    shape.checksumOffset = 6;
    const out = new Uint8Array(partial.length);
    assert.is(writeSegment(partial, 0, partial.length, shape, 0, out, 0), whole.length);
    assert.equal(out, whole);
  }
});

test('a checksum whose place is not in the packet is not written', () => {
  const bytes = new Uint8Array(40).fill(1);
  for (const [start, offset] of [
    [19, 16],
    [34, 6],
    [-1, 6],
    [0, -2],
    [20, 19],
    [1 << 30, 6],
  ] as const) {
    assert.is(finishChecksum(bytes, 0, 20, start, offset), false);
  }
  assert.ok(bytes.every((byte) => byte === 1));
  assert.ok(finishChecksum(bytes, 0, 20, 5, 0), 'offset 0 is nothing to finish');
  assert.ok(bytes.every((byte) => byte === 1));
  assert.ok(finishChecksum(bytes, 0, 20, 12, 6));
});

test.run();
