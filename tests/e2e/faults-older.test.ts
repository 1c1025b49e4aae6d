/** A coordinator that shows what was before, as after an old copy of its state was put back. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Host, waitFor } from '../lab/index.ts';
import { startConversation } from './lib/conversation.ts';
import { PCLOUD } from './lib/network.ts';
import { type Stations, withStations } from './lib/stations.ts';

const BACK_LIMIT_MS = 45_000;
/** Who refuses a server asks it again after 30 s at most. */
const AGAIN_LIMIT_MS = 50_000;
const COORDINATOR = '/run/pcloud/state/coordinator';

/** Copies the coordinator's state, whose process does not run. */
async function copyState(host: Host, from: string, to: string): Promise<void> {
  await host.run(`rm -rf ${to} && cp -a ${from} ${to}`);
}

/** Waits until everybody refuses the coordinator, and goes on with what there was. */
async function refused({ all, output }: Stations, code: string, sentence: string): Promise<void> {
  for (const { host, name } of all) {
    const hasRefused = async (): Promise<boolean> => {
      const { stdout } = await host.run([PCLOUD, 'status', '--json']);
      return JSON.parse(stdout).coordinator.problem?.code === code;
    };
    await waitFor(`${name} to refuse it`, hasRefused, AGAIN_LIMIT_MS, output);
    const { stdout } = await host.run([PCLOUD, 'status']);
    assert.match(stdout.replace(/\s+/g, ' '), sentence);
  }
}

test('an older map is refused in plain words, what there is goes on, and the newer one is taken again', () =>
  withStations({}, async (stations) => {
    const { seed, first, second, whole } = stations;
    const conversation = await startConversation(first.host, second.host, second.addresses[0]!);
    await seed.service.stop();
    await copyState(seed.host, COORDINATOR, '/run/older');
    seed.service.start();
    await whole(BACK_LIMIT_MS);
    await seed.host.run([PCLOUD, 'nodes', 'rename', 'second', 'renamed']);
    const isTold = async (): Promise<boolean> => {
      const { stdout } = await first.host.run([PCLOUD, 'status']);
      return stdout.includes('renamed');
    };
    await waitFor('the rename to be known', isTold, BACK_LIMIT_MS);
    await seed.service.stop();
    await copyState(seed.host, COORDINATOR, '/run/newer');
    await copyState(seed.host, '/run/older', COORDINATOR);
    seed.service.start();
    await refused(stations, 'MAP_REFUSED', 'as after a backup of the coordinator was put back');
    await conversation.goesOn(BACK_LIMIT_MS);
    assert.ok(await isTold());
    await first.service.signal('SIGKILL');
    await conversation.goesOn(BACK_LIMIT_MS);
    await refused(stations, 'MAP_REFUSED', 'as after a backup of the coordinator was put back');
    assert.ok(await isTold(), 'after a restart, too');

    await seed.service.stop();
    await copyState(seed.host, '/run/newer', COORDINATOR);
    seed.service.start();
    await seed.host.run([PCLOUD, 'wait', '--for', 'coordinator', '--timeout', '50s']);
    await seed.host.run([PCLOUD, 'nodes', 'rename', 'renamed', 'second']);
    await whole(AGAIN_LIMIT_MS);
  }));

test('an older server set is refused in plain words, and what there is goes on', () =>
  withStations({}, async (stations) => {
    const { seed, first, second, whole } = stations;
    const conversation = await startConversation(first.host, second.host, second.addresses[0]!);
    await seed.service.stop();
    await copyState(seed.host, COORDINATOR, '/run/older');
    await seed.host.run('ip address add 192.0.2.77/24 dev eth0');
    seed.service.start();
    await whole(BACK_LIMIT_MS);
    await seed.service.stop();
    await seed.host.run('ip address del 192.0.2.77/24 dev eth0');
    await copyState(seed.host, COORDINATOR, '/run/newer');
    await copyState(seed.host, '/run/older', COORDINATOR);
    seed.service.start();
    await refused(stations, 'SERVER_SET_REFUSED', 'is older than one seen before, as after a backup was put back');
    await conversation.goesOn(BACK_LIMIT_MS);

    await seed.service.stop();
    await copyState(seed.host, '/run/newer', COORDINATOR);
    seed.service.start();
    await whole(AGAIN_LIMIT_MS);
    await conversation.goesOn(BACK_LIMIT_MS);
  }));

test.run();
