import {
  createBatch,
  createFrameSealer,
  createNobleCrypto,
  FRAME,
  LAYOUT,
  REGIONS,
  SLAB_BYTES,
} from '@pcloud/wireguard';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern, tcp, udp } from '../../packages/ip/tests/segment-packets.ts';
import type { Plane } from '../index.ts';
import { addon, withPlanes } from './addon.ts';
import { aim, type Frame, LOOPBACK, LOOPBACK6, loadFrames, receive } from './batches.ts';
import { cut, randomSuperPacket } from './frames.ts';
import { isolate } from './isolate.ts';
import { createRandom, type Random, SEED } from './random.ts';

isolate();
addon.linkSet('lo', { up: true });

const KEY = Uint8Array.from({ length: 32 }, (_, i) => i * 5 + 1);
const V6_ENDPOINT = LAYOUT.PEER_ENDPOINTS + 1;

interface Sealed {
  readonly bytes: Uint8Array;
  readonly tos: number;
}

/** What the TypeScript sends of the frames, and the bytes it counts for each. */
function sealSlowly(frames: readonly Frame[]): { sealed: Sealed[]; sent: number[] } {
  const batch = createBatch(new ArrayBuffer(SLAB_BYTES));
  const key = createNobleCrypto().createTransportKey(KEY);
  const sealed: Sealed[] = [];
  loadFrames(batch, frames);
  createFrameSealer({
    batch,
    keyAt: (slot) => (slot === 0 ? key : undefined),
    sendRun(offset, length, segmentBytes, _endpoint, tos) {
      for (let at = 0; at < length; at += segmentBytes) {
        sealed.push({ bytes: batch.bytes.slice(offset + at, offset + Math.min(at + segmentBytes, length)), tos });
      }
    },
  })(frames.length);
  return { sealed, sent: sentOf(batch.frames, frames.length) };
}

function sentOf(frames: Int32Array, count: number): number[] {
  return Array.from({ length: count }, (_, i) => frames[i * FRAME.WORDS + FRAME.SENT_BYTES]!);
}

/** Sends frames from one plane to another, and gives what `sealSlowly` gives. */
async function sealBy(
  sender: Plane,
  receiver: Plane,
  frames: readonly Frame[],
  wanted: number,
): Promise<ReturnType<typeof sealSlowly>> {
  const batch = createBatch(sender.slab);
  loadFrames(batch, frames);
  sender.sealAndSend(frames.length);
  const sent = sentOf(batch.frames, frames.length);
  const sealed = (await receive(receiver, wanted)).map(({ bytes, tos }) => ({ bytes, tos }));
  return { sealed, sent };
}

function connect(sender: Plane, receiver: Plane): void {
  sender.bind(0, 0);
  const port = receiver.bind(0, 0);
  aim(sender, port, LOOPBACK);
  aim(sender, port, LOOPBACK6, V6_ENDPOINT);
  sender.installKey(0, KEY);
}

/** Frames of one family, as one socket keeps their order. */
function randomFrames(random: Random): Frame[] {
  const endpoint = LAYOUT.PEER_ENDPOINTS + random.integer(0, 1);
  return Array.from({ length: random.integer(1, LAYOUT.TUN_SLOTS) }, () => {
    const decisions = {
      endpoint,
      tos: random.of([0, 0, 1, 2]),
      mtu: random.of([0, 1280, 1420, 9000]),
      low: random.of([0, 1, 0x8000_0000, 0xffff_fff0, 0xffff_ffff]),
      high: random.of([0, 1, 0x7fff_ffff, 0xffff_ffff]),
      shift: random.integer(0, 3),
      key: random.once(8) ? random.of([-1, 1]) : 0,
    };
    if (random.once(3)) return { packet: random.bytes(random.integer(0, 2000)), ...decisions };
    const frame = randomSuperPacket(random, random.of([100, 10_000, 50_000]));
    return cut(frame) ? { ...frame, ...decisions } : { packet: new Uint8Array(0), ...decisions };
  });
}

for (const name of addon.aeadNames()) {
  test(`any frames leave by ${name} as what their TypeScript twin sends`, () =>
    withPlanes(async (sender, receiver) => {
      connect(sender, receiver);
      sender.setAead(name);
      assert.is(sender.aead(), name);
      for (let round = 0; round < 40; round++) {
        const frames = randomFrames(createRandom(SEED * 999_983 + round));
        const expected = sealSlowly(frames);
        const found = await sealBy(sender, receiver, frames, expected.sealed.length);
        assert.equal(found, expected, `PCLOUD_TEST_SEED=${SEED}, round ${round}`);
      }
    }));
}

test('a counter carries into its high half in the middle of a super-packet', () =>
  withPlanes(async (sender, receiver) => {
    connect(sender, receiver);
    const frame = {
      packet: tcp({ payload: pattern(4000) }),
      gsoType: 1,
      gsoSize: 1000,
      low: 0xffff_fffe,
      high: 0xfffe,
    };
    const { sealed } = await sealBy(sender, receiver, [frame], 4);
    const counters = sealed.map(({ bytes }) => new DataView(bytes.buffer).getBigUint64(8, true));
    assert.equal(counters, [0xfffe_ffff_fffen, 0xfffe_ffff_ffffn, 0xffff_0000_0000n, 0xffff_0000_0001n]);
  }));

test('of checksums to finish at any place both leave out the frames whose place is outside, and no others', () =>
  withPlanes(async (sender, receiver) => {
    connect(sender, receiver);
    const packet = udp({ payload: pattern(33) });
    const end = packet.length;
    const inside = [
      [20, 6],
      [0, 1],
      [end - 3, 1],
      [21, 7],
      [0, end - 2],
    ] as const;
    const outside = [
      [end - 7, 6],
      [end, 6],
      [end + 1, 6],
      [-1, 6],
      [20, -1],
      [0, end - 1],
      [65_535, 65_535],
    ] as const;
    for (const checksum of [...inside, ...outside]) {
      const frames = [{ packet, checksum }, { packet: new Uint8Array(0), checksum }, { packet: new Uint8Array(0) }];
      const expected = sealSlowly(frames);
      const isInside = (inside as readonly unknown[]).includes(checksum);
      assert.is(expected.sealed.length, isInside ? 2 : 1, `${checksum}`);
      assert.equal(await sealBy(sender, receiver, frames, expected.sealed.length), expected, `${checksum}`);
      assert.is(receiver.udpReceive(), 0);
    }
  }));

test('a frame with a checksum to finish leaves with a whole one', () =>
  withPlanes(async (sender, receiver) => {
    connect(sender, receiver);
    const { frames } = createBatch(sender.slab);
    const packet = udp({ payload: pattern(33) });
    const [partial] = addon.coalesceForTest([packet, packet], { tcp: false, udp: true });
    const whole = addon.segmentForTest(partial!.bytes, { checksumStart: 20, checksumOffset: 6 })[0]!;
    loadFrames(createBatch(sender.slab), [{ packet: partial!.bytes, mtu: 0 }]);
    frames[FRAME.CHECKSUM_START] = 20;
    frames[FRAME.CHECKSUM_OFFSET] = 6;
    sender.sealAndSend(1);
    const [message] = await receive(receiver, 1);
    const opened = addon.openOnce(addon.aeadNames()[0]!, KEY, 0, 0, message!.bytes.subarray(16));
    assert.equal(opened!.subarray(0, whole.length), whole);
  }));

const MALFORMED: Readonly<Record<string, readonly [number, number]>> = {
  'before the packets of the slab': [FRAME.OFFSET, REGIONS.TUN - 1],
  'past the packets of the slab': [FRAME.OFFSET, REGIONS.SEND - 100],
  'at a negative offset': [FRAME.OFFSET, -1],
  'of a negative length': [FRAME.LENGTH, -1],
  'longer than a packet': [FRAME.LENGTH, 65_536],
  'to no endpoint slot': [FRAME.ENDPOINT, LAYOUT.ENDPOINTS],
  'to a negative endpoint slot': [FRAME.ENDPOINT, -1],
  'to an empty endpoint slot': [FRAME.ENDPOINT, LAYOUT.PEER_ENDPOINTS + 9],
  'with a key slot past the last': [FRAME.KEY, 1 << 20],
  'with a negative MTU': [FRAME.MTU, -1],
  'of an unknown kind': [FRAME.GSO_TYPE, 3],
  'with no segment size': [FRAME.GSO_SIZE, 0],
  'with a negative segment size': [FRAME.GSO_SIZE, -1],
  'with other segments than it took counters for': [FRAME.SEGMENTS, 3],
  'with its transport header elsewhere': [FRAME.CHECKSUM_START, 24],
};

for (const [what, [word, value]] of Object.entries(MALFORMED)) {
  test(`a frame ${what} is left out, and the next one leaves`, () =>
    withPlanes(async (sender, receiver) => {
      connect(sender, receiver);
      const batch = createBatch(sender.slab);
      loadFrames(batch, [
        { packet: tcp({ payload: pattern(4000) }), gsoType: 1, gsoSize: 1000 },
        { packet: new Uint8Array(0), low: 9 },
      ]);
      batch.frames[word] = value;
      sender.sealAndSend(2);
      assert.equal(sentOf(batch.frames, 2), [0, 32]);
      const [only] = await receive(receiver, 1);
      assert.is(only!.bytes.length, 32);
      assert.is(receiver.udpReceive(), 0);
    }));
}

test('more frames than there are slots are no more than the slots, and fewer than none are none', () =>
  withPlanes(async (sender, receiver) => {
    connect(sender, receiver);
    loadFrames(createBatch(sender.slab), new Array<Frame>(LAYOUT.TUN_SLOTS).fill({ packet: new Uint8Array(0) }));
    sender.sealAndSend(-5);
    sender.sealAndSend(2 ** 31 - 1);
    assert.is((await receive(receiver, LAYOUT.TUN_SLOTS)).length, LAYOUT.TUN_SLOTS);
    assert.is(receiver.udpReceive(), 0);
  }));

test.run();
