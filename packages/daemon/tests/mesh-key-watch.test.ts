/** What a device does about the end of its key, as a server tells it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createKeyWatch, type KeyWatch } from '../src/mesh/key-watch.ts';
import { createFakeClock, type FakeClock } from '../src/testing/fake-clock.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

interface Rig {
  readonly clock: FakeClock;
  readonly watch: KeyWatch;
  /** Hours left at each warning, and events. */
  readonly lines: (number | string)[];
  rotations: number;
  rotate: () => Promise<void>;
  tell(expiresInMs?: number, rotatesInMs?: number, isExpired?: boolean): void;
}

function createRig(): Rig {
  const clock = createFakeClock();
  const lines: (number | string)[] = [];
  const say = (_fields: unknown, event: string): void => void lines.push(event);
  const rig: Rig = {
    clock,
    lines,
    rotations: 0,
    rotate: async () => {},
    watch: createKeyWatch({
      clock,
      random: (out) => out.fill(0x80),
      log: {
        info: say,
        error: say,
        warn: (fields, event) => void lines.push((fields as { hours?: number }).hours ?? event),
      },
      rotate() {
        rig.rotations += 1;
        return rig.rotate();
      },
    }),
    tell: (expiresInMs, rotatesInMs, isExpired = false) =>
      rig.watch.handleKey({
        kind: 'key',
        isExpired,
        ...(expiresInMs !== undefined && { expiresInMs }),
        ...(rotatesInMs !== undefined && { rotatesInMs }),
      }),
  };
  return rig;
}

test('warnings come 14, 7 and 1 days before the end, each once, however often it is told', () => {
  const { clock, lines, tell, watch } = createRig();
  for (let left = 30 * 24; left > 0; left -= 1) {
    if (left % 7 === 0) tell(left * HOUR_MS);
    clock.advance(HOUR_MS);
  }
  assert.is(lines.length, 3);
  for (const [at, days] of [14, 7, 1].entries()) {
    assert.ok(Math.abs((lines[at] as number) - days * 24) <= 1, `${lines[at]} hours`);
  }
  assert.equal(watch.status, { isExpired: false, expiresInMs: 0 });
});

test('a key that ends soon is warned of at once, and after its renewal it begins anew', () => {
  const { lines, tell, watch, clock } = createRig();
  tell(3 * DAY_MS);
  assert.equal(lines, [72]);
  tell(180 * DAY_MS);
  assert.is(watch.renewals, 1);
  clock.advance(167 * DAY_MS);
  assert.is(lines.length, 3);
  assert.is(lines[1], 'the key of this device was renewed');
});

test('a device of any clock counts the time that passes here', () => {
  const { clock, tell, watch } = createRig();
  assert.is(watch.status, null);
  tell(10 * DAY_MS);
  clock.advance(4 * DAY_MS);
  assert.equal(watch.status, { isExpired: false, expiresInMs: 6 * DAY_MS });
  tell();
  assert.equal(watch.status, { isExpired: false, expiresInMs: null });
  watch.stop();
  assert.is(watch.status, null);
});

test('only a server says that the key has expired, and that it holds again', () => {
  const { clock, tell, watch, lines } = createRig();
  tell(HOUR_MS);
  clock.advance(5 * HOUR_MS);
  assert.equal(watch.status, { isExpired: false, expiresInMs: 0 });
  tell(0, undefined, true);
  tell(0, undefined, true);
  assert.ok(watch.status!.isExpired);
  assert.is(lines.filter((line) => /has expired/.test(`${line}`)).length, 1);
  tell();
  assert.not.ok(watch.status!.isExpired);
  assert.is(watch.renewals, 1);
});

test('the key is replaced when it is due, within an hour and not at one moment on all devices', () => {
  const rig = createRig();
  rig.tell(undefined, 2 * HOUR_MS);
  rig.clock.advance(2 * HOUR_MS);
  assert.is(rig.rotations, 0);
  rig.clock.advance(HOUR_MS / 2);
  assert.is(rig.rotations, 0);
  rig.clock.advance(HOUR_MS / 100);
  assert.is(rig.rotations, 1);
  rig.tell(undefined, 30 * DAY_MS);
  rig.clock.advance(29 * DAY_MS);
  assert.is(rig.rotations, 1);
});

test('what did not work is tried again each hour', async () => {
  const rig = createRig();
  rig.rotate = async () => {
    throw new Error('no coordinator is connected');
  };
  rig.tell(undefined, 0);
  for (let hour = 0; hour < 5; hour++) {
    rig.clock.advance(HOUR_MS);
    await Promise.resolve();
  }
  assert.is(rig.rotations, 5);
});

test('after its end nothing is done any more', () => {
  const rig = createRig();
  rig.tell(20 * DAY_MS, HOUR_MS);
  rig.watch.stop();
  rig.clock.advance(30 * DAY_MS);
  assert.equal([rig.rotations, rig.lines], [0, []]);
});

test.run();
