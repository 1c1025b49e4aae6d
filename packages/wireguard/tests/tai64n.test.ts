import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compareStamps, createStampClock, writeStamp } from '../src/tai64n.ts';

const WALL = Date.UTC(2026, 0, 1);
const UNIT = 16_777_216;
const MINUTE = 60_000;

function stampAt(wallMs: number): Uint8Array {
  const stamp = new Uint8Array(12);
  assert.is(writeStamp(wallMs, stamp, 0), 12);
  return stamp;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function nanosOf(stamp: Uint8Array): number {
  return new DataView(stamp.buffer, stamp.byteOffset).getUint32(8);
}

/** Milliseconds since 1970 that a stamp says. */
function wallOf(stamp: Uint8Array): number {
  const seconds = new DataView(stamp.buffer, stamp.byteOffset).getBigUint64(0) - 0x4000_0000_0000_000an;
  return Number(seconds) * 1000 + nanosOf(stamp) / 1e6;
}

test('1970 is 2^62 and ten seconds', () => {
  assert.is(hex(stampAt(0)), '400000000000000a00000000');
});

test('seconds pass 2^32 without a carry lost', () => {
  assert.is(hex(stampAt((2 ** 32 - 11) * 1000)), '40000000ffffffff00000000');
  assert.is(hex(stampAt((2 ** 32 - 10) * 1000)), '400000010000000000000000');
});

test('nanoseconds are a multiple of 2^24 below a second', () => {
  assert.is(hex(stampAt(1_999)), '400000000000000b3b000000');
  for (let ms = 0; ms < 1_000; ms++) {
    const nanos = nanosOf(stampAt(WALL + ms + 0.999));
    assert.is(nanos % UNIT, 0);
    assert.ok(nanos < 1e9 && nanos <= (ms + 1) * 1e6 && nanos + UNIT > ms * 1e6, `${nanos} at ${ms} ms`);
  }
});

test('a stamp is written where it is asked for', () => {
  const out = new Uint8Array(16).fill(0xee);
  assert.is(writeStamp(0, out, 2), 14);
  assert.is(hex(out), 'eeee400000000000000a00000000eeee');
});

test('10 ms apart may be equal, 20 ms apart is greater', () => {
  assert.is(compareStamps(stampAt(WALL), stampAt(WALL + 10)), 0);
  for (let ms = 0; ms < 1_000; ms++) assert.ok(compareStamps(stampAt(WALL + ms), stampAt(WALL + ms + 20)) < 0);
});

test('a stamp is that of the wall clock while it moves', () => {
  const clock = createStampClock();
  assert.equal(clock.next(WALL).stamp, stampAt(WALL));
  assert.equal(clock.next(WALL + 5_000).stamp, stampAt(WALL + 5_000));
});

test('a clock that stands still gives one unit more each time, and carries at a second', () => {
  const clock = createStampClock();
  const stamps = Array.from({ length: 130 }, () => clock.next(WALL).stamp);
  for (let i = 1; i < stamps.length; i++) assert.ok(compareStamps(stamps[i - 1]!, stamps[i]!) < 0);
  assert.equal(stamps[1], stampAt(WALL + 17));
  assert.equal(stamps[60], stampAt(WALL + 1_000));
});

test('a clock that goes back does not take the stamps back', () => {
  const clock = createStampClock();
  const before = clock.next(WALL).stamp;
  const after = clock.next(WALL - 86_400_000).stamp;
  assert.ok(compareStamps(before, after) < 0);
  assert.ok(wallOf(after) - WALL < 20);
});

test('a stamp is far ahead where the clock has lost more than a day', () => {
  for (const [wall, isFarAhead] of [
    [WALL - 86_390_000, false],
    [WALL - 86_410_000, true],
    [0, true],
  ] as const) {
    const clock = createStampClock();
    assert.not(clock.next(WALL).isFarAhead);
    assert.is(clock.next(wall).isFarAhead, isFarAhead, `${wall}`);
  }
  assert.not(createStampClock().next(0).isFarAhead, 'a clock that was never set');
});

test('an implausible wall clock is not believed', () => {
  for (const wall of [0, Date.UTC(2019, 11, 31), 2 ** 32 * 1000, Date.UTC(2200, 0, 1), Number.NaN, Infinity, -1]) {
    const clock = createStampClock();
    clock.next(WALL);
    const { stamp } = clock.next(wall);
    assert.ok(wallOf(stamp) > WALL && wallOf(stamp) < WALL + 20, `${wall} gave ${wallOf(stamp)}`);
  }
});

test('a machine that never knew the time starts from 1970 and follows the clock once it is set', () => {
  const clock = createStampClock();
  assert.ok(wallOf(clock.next(0).stamp) < 100);
  assert.ok(wallOf(clock.next(1_000).stamp) < 100);
  assert.equal(clock.next(WALL).stamp, stampAt(WALL));
});

test('the first stamp reserves ten minutes, and the next is at their end', () => {
  const clock = createStampClock();
  assert.equal(clock.next(WALL).reserve, stampAt(WALL + 10 * MINUTE));
  let writes = 0;
  for (let at = 100; at <= 10 * MINUTE; at += 100) if (clock.next(WALL + at).reserve) writes++;
  assert.is(writes, 0);
  assert.equal(clock.next(WALL + 10 * MINUTE + 100).reserve, stampAt(WALL + 20 * MINUTE + 100));
});

test('after a restart stamps are greater than all that were reserved', () => {
  const first = createStampClock();
  const { reserve } = first.next(WALL);
  let latest = first.next(WALL + 9 * MINUTE).stamp;
  const second = createStampClock({ reserved: reserve! });
  const { stamp, reserve: more } = second.next(WALL + 9 * MINUTE);
  assert.ok(compareStamps(latest, stamp) < 0);
  assert.ok(compareStamps(reserve!, stamp) < 0);
  assert.ok(more !== undefined && compareStamps(stamp, more) < 0);
  latest = second.next(WALL + 30 * MINUTE).stamp;
  assert.equal(latest, stampAt(WALL + 30 * MINUTE));
});

test('a restart with the clock at 1970 still gives greater stamps', () => {
  const { reserve } = createStampClock().next(WALL);
  const { stamp } = createStampClock({ reserved: reserve! }).next(1_000);
  assert.ok(compareStamps(reserve!, stamp) < 0);
});

test('many restarts within a minute do not run away from the clock', () => {
  let reserved = createStampClock().next(WALL).reserve!;
  for (let i = 0; i < 5; i++) reserved = createStampClock({ reserved }).next(WALL + 1_000).reserve!;
  assert.ok(wallOf(reserved) < WALL + 12 * MINUTE, `${wallOf(reserved) - WALL} ms ahead`);
});

test('a bound that is found later counts from then on, and a lower one changes nothing', () => {
  const clock = createStampClock();
  const first = clock.next(WALL).stamp;
  clock.reserve(stampAt(WALL - MINUTE));
  assert.ok(wallOf(clock.next(WALL).stamp) < WALL + 20);
  clock.reserve(stampAt(WALL + 20 * MINUTE));
  const { stamp, reserve } = clock.next(WALL, first);
  assert.ok(compareStamps(stampAt(WALL + 20 * MINUTE), stamp) < 0);
  assert.ok(reserve !== undefined);
});

test('stamps for receivers that are told apart do not run ahead of the clock', () => {
  const clock = createStampClock();
  const last: Uint8Array[] = [];
  for (let peer = 0; peer < 1_000; peer++) last[peer] = clock.next(WALL).stamp;
  for (let round = 1; round <= 10; round++) {
    for (let peer = 0; peer < 1_000; peer++) {
      const { stamp } = clock.next(WALL + round * 5_000, last[peer]!);
      assert.ok(compareStamps(last[peer]!, stamp) < 0);
      last[peer] = stamp;
    }
  }
  assert.equal(last[999], stampAt(WALL + 50_000));
});

test('a reservation that is no stamp is refused with what is wrong', () => {
  const of = (text: string) => () => createStampClock({ reserved: new Uint8Array(Buffer.from(text, 'hex')) });
  assert.throws(of('40'), /stamp: expected 12 bytes, got 1/);
  assert.throws(of('400000000000000a3b9aca00'), /1000000000 ns/);
  assert.throws(of('000000000000000a00000000'), /TAI64N since 1970/);
  assert.throws(of('ffffffffffffffff00000000'), /TAI64N since 1970/);
});

test('a reservation that is not whitened is rounded up', () => {
  const reserved = stampAt(WALL);
  reserved[11] = 1;
  const { stamp } = createStampClock({ reserved }).next(WALL);
  assert.ok(compareStamps(reserved, stamp) < 0);
  assert.is(nanosOf(stamp) % UNIT, 0);
});

test('through any walk of the clock and any restarts, stamps only grow and stay valid', () => {
  const walk = fc.array(fc.record({ by: fc.integer({ min: -400_000, max: 400_000 }), restart: fc.boolean() }), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(walk, (steps) => {
      let clock = createStampClock();
      let reserved: Uint8Array | undefined;
      let latest = new Uint8Array(12);
      let wall = WALL;
      for (const { by, restart } of steps) {
        wall += by;
        if (restart && reserved !== undefined) clock = createStampClock({ reserved });
        const { stamp, reserve } = clock.next(wall);
        reserved = reserve ?? reserved;
        assert.ok(compareStamps(latest, stamp) < 0);
        assert.ok(compareStamps(stamp, reserved!) <= 0);
        assert.ok(nanosOf(stamp) < 1e9 && nanosOf(stamp) % UNIT === 0);
        latest = new Uint8Array(stamp);
      }
    }),
    { numRuns: 200 },
  );
});

test.run();
