/** Processes that are killed at any moment, and started again as a service manager does. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createRandom, runSeed } from '../interop/lib/sample.ts';
import { sleep } from '../lab/index.ts';
import { withStations } from './lib/stations.ts';

const KILLS = 20;
/** Tries for a coordinator are 30 s apart at most, and a handshake with who knows of no kill may take five more. */
const BACK_LIMIT_MS = 45_000;
const LONGEST_REST_MS = 2_000;

const seed = runSeed();
console.log(`faults-kill: PCLOUD_TEST_SEED=${seed}`);

test('whoever is killed whenever, everything comes back by itself as it was', () =>
  withStations({}, async ({ all, whole, output }) => {
    const random = createRandom(seed);
    const indexOf = async (place: number): Promise<string> =>
      (await all[place]!.host.run('cat /sys/class/net/pcloud0/ifindex')).stdout;
    const before = await Promise.all(all.map((_, place) => indexOf(place)));
    const traffic = all.flatMap(({ host }) =>
      all.filter((other) => other.host !== host).map((other) => host.spawn(['ping', '-i', '0.2', other.addresses[0]!])),
    );
    let longestMs = 0;
    const back = async (): Promise<void> => {
      const startedAt = performance.now();
      await whole(BACK_LIMIT_MS);
      longestMs = Math.max(longestMs, performance.now() - startedAt);
    };
    for (let kill = 0; kill < KILLS; kill++) {
      const victim = all[Math.floor(random() * all.length)]!;
      const isAlone = random() < 0.5;
      await sleep(random() * LONGEST_REST_MS);
      await victim.service.signal('SIGKILL');
      if (isAlone) await back();
    }
    await back();
    console.log(`everything was back after ${longestMs.toFixed(0)} ms at most`);
    assert.equal(await Promise.all(all.map((_, place) => indexOf(place))), before, 'the interfaces are the same');
    for (const each of traffic) assert.ok(each.isRunning, `traffic went on\n${each.output()}\n${output()}`);
  }));

test.run();
