import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createLoad, GATHER_MS } from '../src/maps/load.ts';

/** Of every `everyMs` milliseconds, for ten seconds, `actMs` are spent. */
function under(actMs: number, everyMs: number): ReturnType<typeof createLoad> {
  let now = 0;
  const load = createLoad(() => now);
  for (let round = 0; round * everyMs < 10_000; round++) {
    load.spend(() => {
      now += actMs;
    });
    now += everyMs - actMs;
  }
  return load;
}

test('changes are gathered for the least time while telling them takes little', () => {
  assert.is(createLoad(() => 0).gatherMs(), GATHER_MS.LEAST);
  assert.is(under(2, 100).gatherMs(), GATHER_MS.LEAST);
});

test('they are gathered the longer, the more of the time telling them takes, and for the most time at last', () => {
  const [some, more] = [under(15, 100).gatherMs(), under(25, 100).gatherMs()];
  assert.ok(some > GATHER_MS.LEAST && more > some && more < GATHER_MS.MOST, `${some} ${more}`);
  assert.is(under(90, 100).gatherMs(), GATHER_MS.MOST);
});

test('when it is quiet again they are gathered for the least time soon', () => {
  let now = 0;
  const load = createLoad(() => now);
  load.spend(() => {
    now += 5_000;
  });
  assert.is(load.gatherMs(), GATHER_MS.MOST);
  now += 5_000;
  assert.is(load.gatherMs(), GATHER_MS.LEAST);
});

test('what is done within another thing counts once', () => {
  let now = 0;
  const load = createLoad(() => now);
  const spend = (ms: number): void => {
    now += ms;
  };
  load.spend(() => {
    for (let i = 0; i < 10; i++) load.spend(() => spend(8));
  });
  const inParts = load.gatherMs();
  const once = createLoad(() => now);
  once.spend(() => spend(80));
  assert.is(once.gatherMs(), inParts);
});

test.run();
