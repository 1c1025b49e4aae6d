/** Clocks that are an hour or ten years off: who may join, and until when, is the server's clock's to say. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { waitForPing } from '../lab/index.ts';
import { PCLOUD } from './lib/network.ts';
import type { Service } from './lib/service.ts';
import { addDevice, invite, withStations } from './lib/stations.ts';
import { wrongClock } from './lib/wrong-clock.ts';

const BACK_LIMIT_MS = 45_000;
/** Less than the smallest offset. */
const OFF_MS = 3_000_000;

/** How far the clock of a log is off, milliseconds. */
function offOf({ process }: Service): number {
  const [, time = ''] = /"time":"([^"]+)"/.exec(process.output()) ?? [];
  return Math.abs(Date.parse(time) - Date.now());
}

for (const [ahead, behind] of [
  ['+10y', '-10y'],
  ['+1h', '-1h'],
] as const) {
  test(`devices join a server whose clock is ${behind} off with clocks that are right and ${ahead} off`, () =>
    withStations({ env: { seed: wrongClock(behind), first: wrongClock(ahead) } }, async ({ seed, whole }) => {
      assert.ok(offOf(seed.service) > OFF_MS, seed.service.output());
      await whole(BACK_LIMIT_MS);
    }));

  test(`devices join a server whose clock is ${ahead} off with clocks that are right and ${behind} off`, () =>
    withStations({ env: { seed: wrongClock(ahead), first: wrongClock(behind) } }, async ({ seed, whole }) => {
      assert.ok(offOf(seed.service) > OFF_MS, seed.service.output());
      await whole(BACK_LIMIT_MS);
    }));
}

test('a link is good for as long as the server says, whatever the clock of who joins', () =>
  withStations({}, async (stations) => {
    const { seed, first } = stations;
    const late = await addDevice(stations, 'late');
    const expired = await seed.host.run([PCLOUD, 'invite', '--json', '--expires', '1s']);
    const { link } = JSON.parse(expired.stdout) as { link: string };
    // Ten years from now it is long over, and ten years ago it was not yet made.
    const good = await invite(seed.host);
    const ahead = await late.run([PCLOUD, 'up', good], { env: wrongClock('+10y') });
    assert.match(ahead.stdout, '10.0.0.4');
    await waitForPing(late, first.addresses[0]!, BACK_LIMIT_MS);
    await late.run([PCLOUD, 'logout']);
    const refused = await late.run([PCLOUD, 'up', link], { env: wrongClock('-10y'), check: false });
    assert.is(refused.code, 3, refused.stderr);
    assert.match(refused.stderr, 'TOKEN_EXPIRED');
  }));

test.run();
