import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createSystemClock, createUptimeClock } from '../src/clock.ts';

function waitFor(condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const check = (): void => {
      if (condition()) resolve();
      else setTimeout(check, 20);
    };
    check();
  });
}

test('time goes on without stepping back', () => {
  const clock = createSystemClock();
  let last = clock.now();
  for (let i = 0; i < 1_000; i++) {
    const now = clock.now();
    assert.ok(now >= last);
    last = now;
  }
});

test('the clock of the addon is taken where there is one', () => {
  assert.is(createSystemClock({ bootTimeMs: () => 123_456, watchClock: () => () => {} }).now(), 123_456);
});

test('word of the addon that the machine resumed is checked at once', () => {
  let bootMs = 5_000;
  let announce = (): void => {};
  const clock = createSystemClock({
    bootTimeMs: () => bootMs + performance.now(),
    watchClock(callback) {
      announce = callback;
      return () => {};
    },
  });
  const jumps: number[] = [];
  const stop = clock.watch((slept) => void jumps.push(Math.round(slept / 1_000)));
  announce();
  assert.equal(jumps, []);
  bootMs += 3_600_000;
  announce();
  announce();
  stop();
  assert.equal(jumps, [3_600]);
});

test('a sleep that only the uptime has counted is added and told of', async () => {
  let uptimeMs = 1_000;
  let monotonicMs = 400;
  const clock = createUptimeClock(
    () => uptimeMs,
    () => monotonicMs,
  );
  const jumps: number[] = [];
  const stop = clock.watch((slept) => void jumps.push(slept));
  monotonicMs += 10;
  uptimeMs += 60_010;
  await waitFor(() => jumps.length > 0);
  stop();
  assert.equal(jumps, [60_000]);
  assert.is(clock.now(), 61_010);
});

test('clocks that differ by their resolution are no sleep', async () => {
  let uptimeMs = 1_000;
  const clock = createUptimeClock(
    () => uptimeMs,
    () => 400,
  );
  const jumps: number[] = [];
  const stop = clock.watch((slept) => void jumps.push(slept));
  uptimeMs += 30;
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  stop();
  assert.equal(jumps, []);
  assert.is(clock.now(), 1_000);
});

test('a timer further away than Node can count does not fire at once', async () => {
  const clock = createSystemClock();
  let fired = false;
  const cancel = clock.setTimer(() => {
    fired = true;
  }, 2 ** 40);
  await new Promise((resolve) => setTimeout(resolve, 30));
  cancel();
  assert.not(fired);
});

test.run();
