/** A coordinator that is away for a while. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Host, waitFor } from '../lab/index.ts';
import { startConversation } from './lib/conversation.ts';
import { status } from './lib/network.ts';
import { withStations } from './lib/stations.ts';

const BACK_LIMIT_MS = 45_000;

async function isConnected(host: Host): Promise<boolean> {
  return (await status(host)).coordinator.connected;
}

test('while the coordinator is away traffic goes on, and a client that restarts reaches the other from disk', () =>
  withStations({}, async ({ seed, first, second, whole, output }) => {
    const conversation = await startConversation(first.host, second.host, second.addresses[0]!);
    await seed.service.stop();
    for (const { host } of [first, second]) {
      await waitFor('the absence to be noticed', async () => !(await isConnected(host)), BACK_LIMIT_MS, output);
    }
    await conversation.goesOn(BACK_LIMIT_MS);
    for (const { service, host, addresses } of [first, second]) {
      const { starts } = service;
      await service.signal('SIGKILL');
      await waitFor('the next start', () => service.starts > starts, BACK_LIMIT_MS);
      await conversation.goesOn(BACK_LIMIT_MS);
      const now = await waitFor('its status', () => status(host).catch(() => undefined), BACK_LIMIT_MS, output);
      assert.equal(now.self.addresses, addresses);
      assert.not(now.coordinator.connected);
    }
    seed.service.start();
    await whole(BACK_LIMIT_MS);
    await conversation.goesOn(BACK_LIMIT_MS);
  }));

test.run();
