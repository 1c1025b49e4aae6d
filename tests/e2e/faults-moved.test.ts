/** A coordinator that comes back at another place. */
import { test } from 'uvu';
import { waitFor } from '../lab/index.ts';
import { move, withStations } from './lib/stations.ts';

const BACK_LIMIT_MS = 45_000;
/** A server that is gone without a word is noticed within 30 s, and tries are 30 s apart at most. */
const SILENT_LIMIT_MS = 75_000;

test('a coordinator that moves is found by its name', () =>
  withStations(
    {
      seedArguments: ['--public-url', 'https://seed.example:8443'],
      async prepare({ seed, clients }) {
        for (const host of [seed, ...clients]) await host.run('echo 192.0.2.10 seed.example >>/etc/hosts');
      },
    },
    async ({ seed, first, second, whole }) => {
      await move(seed.host, '192.0.2.10', '192.0.2.77');
      for (const { host } of [seed, first, second]) {
        host.write('/etc/hosts', host.read('/etc/hosts').replace('192.0.2.10 seed', '192.0.2.77 seed'), 0o644);
      }
      await whole(SILENT_LIMIT_MS);
    },
  ));

test('a server set that reached the clients before leads them to the new place', () =>
  withStations({}, async ({ seed, first, second, whole, output }) => {
    await seed.host.run('ip address add 192.0.2.77/24 dev eth0');
    // With its next start it says both places.
    await seed.service.signal('SIGTERM');
    for (const { host } of [first, second]) {
      const known = (): string => host.read('/run/pcloud/state/membership.json');
      await waitFor('the new set', () => known().includes('https://192.0.2.77:8443'), BACK_LIMIT_MS, output);
    }
    await second.service.stop();
    await seed.host.run('ip address del 192.0.2.77/24 dev eth0');
    await move(seed.host, '192.0.2.10', '192.0.2.77');
    await seed.service.signal('SIGTERM');
    second.service.start();
    await whole(SILENT_LIMIT_MS);
  }));

test.run();
