/** Two machines with one key, as after a copy of a state directory. */
import { execFileSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Host, sleep, waitFor } from '../lab/index.ts';
import { PCLOUD } from './lib/network.ts';
import { addDevice, withStations } from './lib/stations.ts';

const BACK_LIMIT_MS = 45_000;
/** One who yields waits for 15 s at least; the rest is for a busy machine to find out that it did. */
const QUIET_MS = 8_000;
const STATE = '/run/pcloud/state';

interface Coordinator {
  readonly connected: boolean;
  readonly problem: { readonly code: string; readonly message: string } | null;
}

async function coordinatorOf(host: Host): Promise<Coordinator> {
  const { stdout } = await host.run([PCLOUD, 'status', '--json']);
  return (JSON.parse(stdout) as { coordinator: Coordinator }).coordinator;
}

test('the newest of two machines with one key has the channel, and the other says why and does not fight', () =>
  withStations({}, async (stations) => {
    const { seed, first, second, whole, output } = stations;
    const twin = await addDevice(stations, 'twin');
    execFileSync('cp', ['-a', `/proc/${first.host.pid}/root${STATE}`, `/proc/${twin.pid}/root/run/pcloud/`]);
    const daemon = twin.spawn([PCLOUD, 'daemon']);
    const isReplaced = async (): Promise<boolean> => (await coordinatorOf(first.host)).problem?.code === 'REPLACED';
    await waitFor('the older to be replaced', isReplaced, BACK_LIMIT_MS, output);
    const channels = (): number => `${first.service.output()}${daemon.output()}`.split('connected to a coord').length;
    const before = channels();
    await sleep(QUIET_MS);
    assert.is(channels(), before, `they fight\n${output()}\n${daemon.output()}`);
    assert.ok((await coordinatorOf(twin)).connected);
    const { stdout } = await first.host.run([PCLOUD, 'status']);
    assert.match(stdout.replace(/\s+/g, ' '), 'another machine uses the keys of this one and has the channel now');
    const { stdout: list } = await seed.host.run([PCLOUD, 'nodes', 'list', '--json']);
    assert.is((JSON.parse(list) as unknown[]).length, stations.all.length, 'there is still one node of that name');

    await daemon.stop('SIGINT');
    await first.host.run([PCLOUD, 'up']);
    await whole(BACK_LIMIT_MS);
    assert.is(second.service.starts, 1);
  }));

test.run();
