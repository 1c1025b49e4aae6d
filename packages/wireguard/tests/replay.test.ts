import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createReplayWindow, type ReplayWindow } from '../src/replay.ts';

const WINDOW = 8128n;
const LIMIT = 2n ** 64n - 2n ** 13n - 1n;

/** The obvious one: a set of everything seen. */
function createSlowWindow(): { accept(counter: bigint): boolean } {
  const seen = new Set<bigint>();
  let greatest = 0n;
  return {
    accept(counter) {
      if (counter >= LIMIT || greatest - counter > WINDOW || seen.has(counter)) return false;
      seen.add(counter);
      if (counter > greatest) greatest = counter;
      return true;
    },
  };
}

function accept(window: ReplayWindow, counter: bigint): boolean {
  return window.accept(Number(counter & 0xffff_ffffn), Number(counter >> 32n));
}

test('every counter is taken once, in order', () => {
  const window = createReplayWindow();
  for (let counter = 0; counter < 20_000; counter++) assert.is(window.accept(counter, 0), true);
  for (let counter = 20_000 - 1; counter >= 0; counter--) assert.is(window.accept(counter, 0), false);
});

test('every counter of a window is taken once, in reverse', () => {
  const window = createReplayWindow();
  for (let counter = 8128; counter >= 0; counter--) assert.is(window.accept(counter, 0), true, `counter ${counter}`);
  for (let counter = 0; counter <= 8128; counter++) assert.is(window.accept(counter, 0), false, `counter ${counter}`);
});

test('a counter 8128 behind the greatest is taken, one 8129 behind is not', () => {
  for (let greatest = 8129; greatest < 8129 + 130; greatest++) {
    const window = createReplayWindow();
    assert.is(window.accept(greatest, 0), true);
    assert.is(window.accept(greatest - 8129, 0), false);
    assert.is(window.accept(greatest - 8128, 0), true);
    assert.is(window.accept(greatest - 8128, 0), false);
  }
});

test('counters are 64-bit at every boundary of a number', () => {
  for (const edge of [2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 60n, 2n ** 63n]) {
    const window = createReplayWindow();
    for (let step = -70n; step <= 70n; step++) {
      assert.is(accept(window, edge + step), true, `${edge} + ${step}`);
      assert.is(accept(window, edge + step), false, `${edge} + ${step} again`);
    }
    assert.is(accept(window, edge - 70n - 1n), true, 'before, still in the window');
    assert.is(accept(window, edge + 70n - 8129n), false, 'behind the window');
  }
});

test('counters that share their low half are not confused', () => {
  const window = createReplayWindow();
  assert.is(window.accept(7, 0), true);
  assert.is(window.accept(7, 1), true);
  assert.is(window.accept(7, 0), false);
  assert.is(window.accept(7, 2 ** 31), true);
  assert.is(window.accept(7, 1), false);
});

test('halves may come as signed words', () => {
  const window = createReplayWindow();
  assert.is(window.accept(-1, 0), true);
  assert.is(window.accept(0xffff_ffff, 0), false);
  assert.is(window.accept(0, -(2 ** 31)), true);
  assert.is(window.accept(0, 2 ** 31), false);
  assert.is(window.accept(5, 1), false);
});

test('REJECT_AFTER_MESSAGES and all above are refused, and move nothing', () => {
  const window = createReplayWindow();
  for (const counter of [LIMIT, LIMIT + 1n, 2n ** 64n - 1n]) assert.is(accept(window, counter), false);
  assert.is(accept(window, 0n), true);
  assert.is(accept(window, LIMIT - 1n), true);
  assert.is(accept(window, LIMIT - 1n), false);
  assert.is(accept(window, LIMIT - 2n), true);
});

test('a leap from 0 to the end and back to 0 is refused and takes no time', () => {
  const window = createReplayWindow();
  assert.is(accept(window, 0n), true);
  assert.is(accept(window, LIMIT - 1n), true);
  assert.is(accept(window, 0n), false);
  assert.is(accept(window, LIMIT - 1n - WINDOW), true);
});

test('a reset window is a new one', () => {
  const window = createReplayWindow();
  window.accept(0, 9);
  window.accept(3, 9);
  window.reset();
  assert.is(window.accept(0, 0), true);
  assert.is(window.accept(3, 0), true);
  assert.is(window.accept(3, 0), false);
});

test('any sequence of counters has the answers of a set of all that were seen', () => {
  const start = fc.oneof(
    fc.bigInt(0n, 20_000n),
    fc.constantFrom(2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 60n, LIMIT - 9_000n),
    fc.bigInt(0n, 2n ** 64n - 1n),
  );
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.bigInt(-20n, 20n) },
    { weight: 3, arbitrary: fc.bigInt(-8_300n, 8_300n) },
    { weight: 2, arbitrary: fc.constantFrom(-8_129n, -8_128n, 8_128n, 8_160n, 8_161n, 8_191n, 8_192n, 8_193n) },
    { weight: 1, arbitrary: fc.bigInt(-(2n ** 34n), 2n ** 34n) },
  );
  fc.assert(
    fc.property(start, fc.array(step, { minLength: 1, maxLength: 200 }), (first, steps) => {
      const window = createReplayWindow();
      const slow = createSlowWindow();
      let counter = first;
      for (const by of steps) {
        assert.is(accept(window, counter), slow.accept(counter), `counter ${counter}`);
        counter = BigInt.asUintN(64, counter + by);
      }
    }),
    { numRuns: 500 },
  );
});

test.run();
