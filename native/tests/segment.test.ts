import { finishChecksum } from '@pcloud/ip';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern, tcp } from '../../packages/ip/tests/segment-packets.ts';
import { addon } from './addon.ts';
import { cut, randomSuperPacket, type SuperPacket } from './frames.ts';
import { rounds } from './random.ts';

/** What the addon makes of it; the transport header is where TypeScript finds it. */
function segment(frame: SuperPacket, start: number): Uint8Array[] {
  const { gsoType, gsoSize } = frame;
  return addon.segmentForTest(frame.packet, { gsoType, gsoSize, checksumStart: start, checksumOffset: 16 });
}

test(
  'a super-packet is cut into the packets of its TypeScript twin',
  rounds(400, (random) => {
    const frame = randomSuperPacket(random, random.of([10, 3000, 3000, 20_000]));
    const expected = cut(frame);
    const start = expected?.shape.checksumStart ?? (frame.packet[0]! >> 4 === 4 ? 20 : 48);
    assert.equal(segment(frame, start), expected?.packets ?? []);
  }),
);

test(
  'a super-packet with a broken byte in its headers is cut as by its twin, or not at all',
  rounds(400, (random) => {
    const frame = randomSuperPacket(random, 600);
    frame.packet[random.integer(0, Math.min(80, frame.packet.length - 1))] = random.integer(0, 255);
    const expected = cut(frame);
    for (const start of [20, 24, 40, 48]) {
      const found = start === expected?.shape.checksumStart ? expected.packets : [];
      assert.equal(segment(frame, start), found);
    }
  }),
);

test('a super-packet cut off anywhere in its headers is not cut', () => {
  const { packet } = { packet: tcp({ payload: pattern(100), tcpOptions: [1, 1, 1, 1] }) };
  for (let length = 0; length <= 44; length++) {
    assert.equal(segment({ packet: packet.subarray(0, length), gsoType: 1, gsoSize: 10 }, 20), [], `${length} bytes`);
  }
});

test('behind a routing header nothing is cut: the checksum is over another address', () => {
  const packet = tcp({ family: 6, protocol: 43, options: [6, 0, 4, 1, 0, 0, 0, 0], payload: pattern(100) });
  assert.equal(segment({ packet, gsoType: 4, gsoSize: 50 }, 48), []);
});

test(
  'a partial checksum is finished as by its TypeScript twin, at odd places and lengths too',
  rounds(500, (random) => {
    const bytes = random.once(4)
      ? new Uint8Array(random.integer(1, 300)).fill(0xff)
      : random.bytes(random.integer(1, 300));
    const odd = new Uint8Array(bytes.length + 1);
    odd.set(bytes, 1);
    const checksumStart = random.integer(0, bytes.length);
    const checksumOffset = random.of([1, 6, 16, random.integer(1, 310)]);
    const expected = bytes.slice();
    const fits = finishChecksum(expected, 0, bytes.length, checksumStart, checksumOffset);
    const found = addon.segmentForTest(odd.subarray(1), { checksumStart, checksumOffset });
    assert.equal(found, fits ? [expected] : []);
    assert.equal(odd.subarray(1), bytes);
  }),
);

test('a UDP checksum that comes to zero goes out as all ones, a TCP one as zero', () => {
  const bytes = new Uint8Array(20).fill(0, 0, 18).fill(0xff, 18);
  const finish = (checksumOffset: number) => addon.segmentForTest(bytes, { checksumStart: 0, checksumOffset })[0]!;
  assert.equal(finish(6).subarray(6, 8), Uint8Array.of(0xff, 0xff));
  assert.equal(finish(16).subarray(16, 18), Uint8Array.of(0, 0));
});

test.run();
