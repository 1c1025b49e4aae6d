import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  buildPacketTooBig,
  buildUnreachable,
  createCoalescer,
  createFrameShape,
  findPlainTransport,
  findTransport,
  formatEndpoint,
  formatPrefix,
  innerPacketLength,
  measureFrame,
  parseAddress,
  parseEndpoint,
  parsePrefix,
  RUN,
  readTos,
  transportOffset,
  writeEcn,
  writeRun,
  writeSegment,
} from '../src/index.ts';

const GUARD = 64;

/** Bytes that look like a packet at first sight: a version, small lengths, protocols that are known. */
const packetLike = fc
  .tuple(
    fc.constantFrom(0x45, 0x46, 0x4f, 0x60, 0x40, 0x00, 0xff),
    fc.constantFrom(0, 1, 6, 17, 43, 44, 51, 58, 60),
    fc.boolean(),
    fc.oneof(
      { weight: 20, arbitrary: fc.uint8Array({ maxLength: 200 }) },
      { weight: 1, arbitrary: fc.constantFrom(65_535, 65_575).map((length) => new Uint8Array(length)) },
    ),
  )
  .map(([first, protocol, isWhole, bytes]) => {
    if (bytes.length > 0) bytes[0] = first;
    const isV4 = first >> 4 === 4;
    if (bytes.length > 9) bytes[isV4 ? 9 : 6] = protocol;
    if (isWhole && bytes.length >= 40) {
      const length = isV4 ? bytes.length : bytes.length - 40;
      bytes[isV4 ? 2 : 4] = length >> 8;
      bytes[isV4 ? 3 : 5] = length & 0xff;
      if (isV4) bytes.fill(0, 6, 8);
    }
    return bytes;
  });

/** The packet in between bytes that nobody may depend on or change. */
const guarded = (packet: Uint8Array, fill: number): Uint8Array => {
  const bytes = new Uint8Array(packet.length + 2 * GUARD).fill(fill);
  bytes.set(packet, GUARD);
  return bytes;
};

/** Runs everything that reads packets, and gives what it answered. */
const readAll = (bytes: Uint8Array, length: number, gsoType: number, gsoSize: number): unknown[] => {
  const found = findTransport(bytes, GUARD, length);
  const shape = createFrameShape();
  const isCut = measureFrame(bytes, GUARD, length, gsoType, gsoSize, shape);
  const first = new Uint8Array(length + GUARD);
  const last = new Uint8Array(length + GUARD);
  if (isCut) {
    writeSegment(bytes, GUARD, length, shape, 0, first, 0);
    writeSegment(bytes, GUARD, length, shape, shape.segments - 1, last, 0);
    assert.ok(shape.headerLength <= length);
  }
  if (found >= 0) assert.ok(transportOffset(found) <= length);
  const packets = { bytes, offsets: Int32Array.of(GUARD, GUARD), lengths: Int32Array.of(length, length) };
  const coalescer = createCoalescer(2);
  const runs = coalescer.plan(packets, 2);
  const written = new Uint8Array(2 * length + 1);
  for (let run = 0; run < runs; run++) writeRun(coalescer, run, packets, written, 0);
  return [
    innerPacketLength(bytes, GUARD, length),
    found,
    findPlainTransport(bytes, GUARD, length),
    buildUnreachable(bytes, GUARD, length, 'address'),
    buildPacketTooBig(bytes, GUARD, length, 1280),
    isCut,
    shape,
    first,
    last,
    written,
    Array.from(coalescer.runs.subarray(0, runs * RUN.WORDS)),
  ];
};

test('no reader throws, changes bytes or lets bytes outside the packet decide', () => {
  fc.assert(
    fc.property(
      packetLike,
      fc.constantFrom(0, 1, 3, 4, 5),
      fc.constantFrom(0, 7, 1400, 65_535),
      (packet, gsoType, gsoSize) => {
        const zeros = guarded(packet, 0);
        const ones = guarded(packet, 0xff);
        if (packet.length === 0) return;
        assert.equal(readAll(zeros, packet.length, gsoType, gsoSize), readAll(ones, packet.length, gsoType, gsoSize));
        assert.equal(zeros, guarded(packet, 0));
        assert.equal(ones, guarded(packet, 0xff));
      },
    ),
    { numRuns: 1500 },
  );
});

test('a packet at the very end of an array is read without a throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(70), (bytes, at) => {
      const length = Math.max(0, bytes.length - at);
      assert.ok(innerPacketLength(bytes, at, length) <= length);
      findTransport(bytes, at, length);
      readTos(bytes, at);
      writeEcn(bytes, at, 3);
      buildUnreachable(bytes, at, length, 'port');
      measureFrame(bytes, at, length, 1, 9, createFrameShape());
      createCoalescer(1).plan({ bytes, offsets: Int32Array.of(at), lengths: Int32Array.of(length) }, 1);
    }),
  );
});

test('text of any kind is an address, prefix or endpoint, or undefined', () => {
  const unit = fc.constantFrom(...'0123456789af.:[]%/ xé');
  fc.assert(
    fc.property(fc.oneof(fc.string({ maxLength: 60 }), fc.string({ unit, maxLength: 60 })), (text) => {
      parseAddress(text);
      const prefix = parsePrefix(text);
      if (prefix !== undefined) assert.equal(parsePrefix(formatPrefix(prefix)), prefix);
      const endpoint = parseEndpoint(text);
      if (endpoint !== undefined) assert.equal(parseEndpoint(formatEndpoint(endpoint)), endpoint);
    }),
    { numRuns: 1000 },
  );
});

test.run();
