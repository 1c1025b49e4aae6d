/**
 * Whatever happens to two devices and their network, nothing arrives twice, nothing that was not sent and
 * nothing from an address that its sender does not own; and once the link is good, traffic flows both ways.
 */
import * as fc from 'fast-check';
import { test } from 'uvu';
import { isFullRun, runSeed } from '../interop/lib/sample.ts';
import { operation } from './operations.ts';
import { createWorld } from './world.ts';

const RUNS = isFullRun ? 3_000 : 100;
const seed = runSeed();
console.log(`device: ${RUNS} runs, PCLOUD_TEST_SEED=${seed}`);

test('two devices keep their promises through any sequence of events', () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.array(operation, { minLength: 1, maxLength: 40, size: 'max' }),
      (worldSeed, operations) => {
        const world = createWorld(worldSeed);
        for (const each of operations) world.apply(each);
        world.checkRecovery();
        world.checkEmpty();
      },
    ),
    { numRuns: RUNS, seed: seed | 0 },
  );
});

test.run();
