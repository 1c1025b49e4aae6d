import { createFrameShape, measureFrame, writeSegment } from '@pcloud/ip';
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createBatch, DATAGRAM, FRAME, LAYOUT, REGIONS } from '../src/batch.ts';
import { createNobleCrypto } from '../src/crypto-noble.ts';
import { openDatagrams } from '../src/open-datagrams.ts';
import { createFrameSealer, paddingLength } from '../src/seal-frames.ts';

const KEY = new Uint8Array(32).fill(0x42);
const crypto = createNobleCrypto();
const batch = createBatch();

interface Frame {
  packet: Uint8Array;
  key?: number;
  gsoType?: number;
  gsoSize?: number;
  low?: number;
  high?: number;
  receiver?: number;
  endpoint?: number;
  tos?: number;
  mtu?: number;
}

interface Run {
  datagrams: Uint8Array[];
  segmentBytes: number;
  endpoint: number;
  tos: number;
}

function load(frames: readonly Frame[]): void {
  for (const [i, frame] of frames.entries()) {
    const at = i * FRAME.WORDS;
    const offset = REGIONS.TUN + i * LAYOUT.TUN_SLOT_BYTES + LAYOUT.TUN_HEADROOM;
    batch.bytes.set(frame.packet, offset);
    const shape = createFrameShape();
    assert.ok(measureFrame(batch.bytes, offset, frame.packet.length, frame.gsoType ?? 0, frame.gsoSize ?? 0, shape));
    const words = batch.frames;
    words.fill(0, at, at + FRAME.WORDS);
    words[at + FRAME.OFFSET] = offset;
    words[at + FRAME.LENGTH] = frame.packet.length;
    words[at + FRAME.GSO_TYPE] = shape.gsoType;
    words[at + FRAME.GSO_SIZE] = shape.gsoSize;
    words[at + FRAME.SEGMENTS] = shape.segments;
    words[at + FRAME.CHECKSUM_START] = shape.checksumStart;
    words[at + FRAME.CHECKSUM_OFFSET] = shape.checksumOffset;
    words[at + FRAME.HEADER_LENGTH] = shape.headerLength;
    words[at + FRAME.KEY] = frame.key ?? 0;
    words[at + FRAME.COUNTER_LOW] = frame.low ?? 0;
    words[at + FRAME.COUNTER_HIGH] = frame.high ?? 0;
    words[at + FRAME.RECEIVER] = frame.receiver ?? 0x11223344;
    words[at + FRAME.ENDPOINT] = frame.endpoint ?? LAYOUT.PEER_ENDPOINTS;
    words[at + FRAME.TOS] = frame.tos ?? 0;
    words[at + FRAME.MTU] = frame.mtu ?? 1_420;
  }
}

function seal(frames: readonly Frame[]): Run[] {
  load(frames);
  return sealLoaded(frames.length);
}

function sealLoaded(count: number): Run[] {
  const key = crypto.createTransportKey(KEY);
  const runs: Run[] = [];
  createFrameSealer({
    batch,
    keyAt: (slot) => (slot === 0 ? key : undefined),
    sendRun(offset, length, segmentBytes, endpoint, tos) {
      const datagrams: Uint8Array[] = [];
      for (let at = 0; at < length; at += segmentBytes) {
        datagrams.push(batch.bytes.slice(offset + at, offset + Math.min(at + segmentBytes, length)));
      }
      runs.push({ datagrams, segmentBytes, endpoint, tos });
    },
  })(count);
  return runs;
}

/** What a frame becomes, one packet at a time, without any run. */
function sealSlowly(frame: Frame): Uint8Array[] {
  const packets: Uint8Array[] = [];
  const shape = createFrameShape();
  measureFrame(frame.packet, 0, frame.packet.length, frame.gsoType ?? 0, frame.gsoSize ?? 0, shape);
  for (let i = 0; i < shape.segments; i++) {
    const out = new Uint8Array(65_536);
    packets.push(out.slice(0, writeSegment(frame.packet, 0, frame.packet.length, shape, i, out, 0)));
  }
  return packets.map((packet, i) => {
    const counter = (BigInt(frame.high ?? 0) << 32n) + BigInt((frame.low ?? 0) >>> 0) + BigInt(i);
    const plainBytes = packet.length + paddingLength(packet.length, frame.mtu ?? 1_420);
    const message = new Uint8Array(16 + plainBytes + 16);
    const view = new DataView(message.buffer);
    view.setUint32(0, 4, true);
    view.setUint32(4, frame.receiver ?? 0x11223344, true);
    view.setBigUint64(8, counter, true);
    message.set(packet, 16);
    crypto
      .createTransportKey(KEY)
      .seal(message, 16, plainBytes, Number(counter & 0xffff_ffffn), Number(counter >> 32n));
    return message;
  });
}

function createIpv4(length: number, protocol = 1): Uint8Array {
  const packet = new Uint8Array(length);
  packet.set([0x45, 0, length >> 8, length & 0xff, 0, 1, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
  for (let i = 20; i < length; i++) packet[i] = i * 3;
  return packet;
}

function createTcp(payload: number): Uint8Array {
  const packet = createIpv4(40 + payload, 6);
  packet[32] = 0x50;
  return packet;
}

test('padding goes to a multiple of 16 and never past the MTU', () => {
  assert.is(paddingLength(0, 1_420), 0);
  assert.is(paddingLength(1, 1_420), 15);
  assert.is(paddingLength(16, 1_420), 0);
  assert.is(paddingLength(1_409, 1_420), 11);
  assert.is(paddingLength(1_420, 1_420), 0);
  // Larger than the MTU: what is past the last whole unit counts.
  assert.is(paddingLength(1_421, 1_420), 15);
  assert.is(paddingLength(2_840, 1_420), 0);
  assert.is(paddingLength(1_409, 0), 15);
});

test('a packet becomes a padded, sealed message with its counter and its receiver', () => {
  const frame = { packet: createIpv4(85), low: 7, receiver: 0x7fffffff };
  assert.equal(
    seal([frame]).map((run) => run.datagrams),
    [sealSlowly(frame)],
  );
  assert.is(batch.frames[FRAME.SENT_BYTES], 16 + 96 + 16);
});

test('a keepalive is 32 bytes without padding', () => {
  const [run] = seal([{ packet: new Uint8Array(0), low: 3 }]);
  assert.is(run!.datagrams[0]!.length, 32);
  assert.equal(run!.datagrams, sealSlowly({ packet: new Uint8Array(0), low: 3 }).slice(0, 1));
});

test('counters carry into their high half', () => {
  const frame = { packet: createTcp(3_000), gsoType: 1, gsoSize: 1_000, low: 0xffff_fffe, high: 0x0020_0000 };
  assert.equal(seal([frame])[0]!.datagrams, sealSlowly(frame));
});

test('a frame that is to be dropped, or whose key is gone, sends nothing', () => {
  assert.equal(
    seal([
      { packet: createIpv4(100), key: -1 },
      { packet: createIpv4(100), key: 5 },
    ]),
    [],
  );
  assert.is(batch.frames[FRAME.SENT_BYTES], 0);
});

test('a frame whose checksum is to be finished outside the packet is left out, and a keepalive is not', () => {
  const frames: Frame[] = [{ packet: createIpv4(100) }, { packet: new Uint8Array(0) }];
  load(frames);
  batch.frames[FRAME.CHECKSUM_START] = 94;
  batch.frames[FRAME.CHECKSUM_OFFSET] = 6;
  assert.equal(
    sealLoaded(frames.length).flatMap(({ datagrams }) => datagrams),
    sealSlowly(frames[1]!),
  );
  assert.is(batch.frames[FRAME.SENT_BYTES], 0);
});

test('a super-packet goes out as few runs of equal datagrams, the last one shorter', () => {
  const frame = { packet: createTcp(64_000), gsoType: 1, gsoSize: 1_380 };
  const runs = seal([frame]);
  assert.equal(
    runs.flatMap((run) => run.datagrams),
    sealSlowly(frame),
  );
  assert.is(runs.length, 2);
  for (const run of runs) {
    assert.ok(run.datagrams.reduce((sum, datagram) => sum + datagram.length, 0) <= 65_507);
    assert.ok(run.datagrams.length <= 64);
    for (const datagram of run.datagrams.slice(0, -1)) assert.is(datagram.length, run.segmentBytes);
  }
});

test('small equal packets share a run, up to 64', () => {
  const frame = { packet: createTcp(100 * 16), gsoType: 1, gsoSize: 16 };
  assert.equal(
    seal([frame]).map((run) => run.datagrams.length),
    [64, 36],
  );
});

test('another endpoint or another TOS starts another run, in order', () => {
  const packet = createIpv4(200);
  const runs = seal([
    { packet, endpoint: 200 },
    { packet, endpoint: 200 },
    { packet, endpoint: 201 },
    { packet, endpoint: 201, tos: 2 },
    { packet, endpoint: 200 },
  ]);
  assert.equal(
    runs.map((run) => [run.datagrams.length, run.endpoint, run.tos]),
    [
      [2, 200, 0],
      [1, 201, 0],
      [1, 201, 2],
      [1, 200, 0],
    ],
  );
});

test('any mix of frames is what it is one packet at a time', () => {
  const frame = fc.oneof(
    fc.record({
      packet: fc.integer({ min: 20, max: 9_000 }).map((length) => createIpv4(length)),
      low: fc.integer({ min: 0, max: 0xffff_ffff }),
      endpoint: fc.integer({ min: 128, max: 130 }),
      tos: fc.integer({ min: 0, max: 3 }),
      mtu: fc.constantFrom(0, 576, 1_280, 1_420, 9_000),
    }),
    fc.record({
      packet: fc.integer({ min: 1, max: 65_000 }).map(createTcp),
      gsoType: fc.constant(1),
      gsoSize: fc.integer({ min: 500, max: 9_000 }),
      low: fc.integer({ min: 0, max: 0xffff_ffff }),
    }),
    fc.record({ packet: fc.constant(new Uint8Array(0)) }),
  );
  fc.assert(
    fc.property(fc.array(frame, { minLength: 1, maxLength: LAYOUT.TUN_SLOTS }), (frames: Frame[]) => {
      const expected = frames.flatMap((each) => sealSlowly(each));
      assert.equal(
        seal(frames).flatMap((run) => run.datagrams),
        expected,
      );
    }),
    { numRuns: 25, seed: 20_261 },
  );
});

test('what was sealed opens again, and what was changed does not', () => {
  const key = crypto.createTransportKey(KEY);
  const [message] = sealSlowly({ packet: createIpv4(100), low: 9 });
  const put = (index: number, bytes: Uint8Array, slot: number): void => {
    const offset = REGIONS.UDP + index * LAYOUT.UDP_SLOT_BYTES;
    batch.bytes.set(bytes, offset);
    const at = index * DATAGRAM.WORDS;
    batch.datagrams[at + DATAGRAM.OFFSET] = offset;
    batch.datagrams[at + DATAGRAM.LENGTH] = bytes.length;
    batch.datagrams[at + DATAGRAM.COUNTER_LOW] = 9;
    batch.datagrams[at + DATAGRAM.COUNTER_HIGH] = 0;
    batch.datagrams[at + DATAGRAM.KEY] = slot;
    batch.datagrams[at + DATAGRAM.OPENED] = -7;
  };
  const changed = message!.slice();
  changed[30]! ^= 1;
  put(0, message!, 0);
  put(1, changed, 0);
  put(2, message!, -1);
  put(3, message!, 1);
  put(4, message!.subarray(0, 31), 0);
  openDatagrams(batch, 5, (slot) => (slot === 0 ? key : undefined));
  const results = [0, 1, 2, 3, 4].map((index) => batch.datagrams[index * DATAGRAM.WORDS + DATAGRAM.OPENED]);
  assert.equal(results, [112, -1, -7, -1, -1]);
  const offset = REGIONS.UDP + 16;
  assert.equal(batch.bytes.slice(offset, offset + 100), createIpv4(100));
});

test.run();
