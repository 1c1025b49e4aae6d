/** Clocks that are set to an hour or ten years off, and right again. */
import { test } from 'uvu';
import { withStations } from './lib/stations.ts';
import { wrongClock } from './lib/wrong-clock.ts';

const BACK_LIMIT_MS = 45_000;
const OFFSETS = ['+10y', '-10y', '+1h', '-1h'] as const;

test('clocks that are set while nobody runs, forwards and back, change nothing for who is in', () =>
  withStations({}, async ({ seed, first, whole }) => {
    for (const offset of [...OFFSETS, undefined]) {
      const env = offset === undefined ? {} : wrongClock(offset);
      for (const { service } of [seed, first]) {
        await service.stop();
        service.start(env);
        await whole(BACK_LIMIT_MS);
      }
    }
  }));

test.run();
