/** A client that moves, awake or asleep. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { sleep } from '../lab/index.ts';
import { startConversation } from './lib/conversation.ts';
import { status } from './lib/network.ts';
import { move, withStations } from './lib/stations.ts';

const BACK_LIMIT_MS = 45_000;
/** TCP sends again within some seconds; that the old place is dead would show after fifteen. */
const MOVE_LIMIT_MS = 12_000;
const ASLEEP_MS = 3_000;

test('a client that moves is found at its new place at once, and so is one that slept meanwhile', () =>
  withStations({}, async ({ router, seed, first, second, whole, output }) => {
    await router.run('ip address add 198.51.101.1/24 dev eth1');
    const conversation = await startConversation(second.host, first.host, first.addresses[0]!);
    await move(first.host, '198.51.100.10', '198.51.101.10');
    await conversation.goesOn(MOVE_LIMIT_MS);
    await whole(BACK_LIMIT_MS);

    await first.service.process.signal('SIGSTOP');
    await move(first.host, '198.51.101.10', '198.51.100.10');
    await sleep(ASLEEP_MS);
    await first.service.process.signal('SIGCONT');
    await conversation.goesOn(MOVE_LIMIT_MS);
    await whole(BACK_LIMIT_MS);
    for (const { host } of [seed, second]) {
      const peer = (await status(host)).peers.find(({ name }) => name === first.name);
      assert.match(JSON.stringify(peer), '"endpoint":"198.51.100.10:', output());
    }
  }));

test.run();
