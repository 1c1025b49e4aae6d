/** A coordinator that comes back at another place, and a client that moves. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Host, sleep, waitFor } from '../lab/index.ts';
import { startConversation } from './lib/conversation.ts';
import { status } from './lib/network.ts';
import { withStations } from './lib/stations.ts';

const BACK_LIMIT_MS = 45_000;
/** A server that is gone without a word is noticed within 30 s, and tries are 30 s apart at most. */
const SILENT_LIMIT_MS = 75_000;
/** TCP sends again within some seconds; that the old place is dead would show after fifteen. */
const MOVE_LIMIT_MS = 12_000;

/** Gives a host another address in the place of its only one. */
async function move(host: Host, from: string, to: string): Promise<void> {
  const router = to.replace(/\d+$/, '1');
  const lines = [
    `ip address del ${from}/24 dev eth0`,
    `ip address add ${to}/24 dev eth0`,
    `ip route add default via ${router}`,
  ];
  await host.run(lines.join(' && '));
}

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

test('a client that moves is found at its new place at once, and so is one that slept meanwhile', () =>
  withStations({}, async ({ router, seed, first, second, whole, output }) => {
    await router.run('ip address add 198.51.101.1/24 dev eth1');
    const conversation = await startConversation(second.host, first.host, first.addresses[0]!);
    await move(first.host, '198.51.100.10', '198.51.101.10');
    await conversation.goesOn(MOVE_LIMIT_MS);
    await whole(BACK_LIMIT_MS);

    await first.service.process.signal('SIGSTOP');
    await move(first.host, '198.51.101.10', '198.51.100.10');
    await sleep(3_000);
    await first.service.process.signal('SIGCONT');
    await conversation.goesOn(MOVE_LIMIT_MS);
    await whole(BACK_LIMIT_MS);
    for (const { host } of [seed, second]) {
      const peer = (await status(host)).peers.find(({ name }) => name === first.name);
      assert.match(JSON.stringify(peer), '"endpoint":"198.51.100.10:', output());
    }
  }));

test.run();
