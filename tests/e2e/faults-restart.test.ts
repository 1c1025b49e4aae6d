/** What a restart of a daemon leaves alone: the interface, connections through the tunnel, and how names are asked for. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Host, waitFor } from '../lab/index.ts';
import { startConversation } from './lib/conversation.ts';
import { createMeshNetwork, PCLOUD, startSeed, status, up } from './lib/network.ts';
import { keepRunning } from './lib/service.ts';
import { withStations } from './lib/stations.ts';

const BACK_LIMIT_MS = 45_000;

/** What must be the same before and after: the interface with its index, addresses and routes. */
async function interfaceOf(host: Host): Promise<string> {
  const { stdout } = await host.run(
    'ip -o address show dev pcloud0; ip route show dev pcloud0; ip -6 route show dev pcloud0',
  );
  return stdout.replace(/ linkdown/g, '');
}

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`a connection through the tunnel outlives a ${signal} of either end, and its interface stays`, () =>
    withStations({}, async ({ seed, first, whole, output }) => {
      const conversation = await startConversation(first.host, seed.host, seed.addresses[0]!);
      for (const station of [first, seed]) {
        const { host, service } = station;
        const before = await interfaceOf(host);
        await service.signal(signal);
        assert.is(await interfaceOf(host), before, `while nobody runs\n${output()}`);
        const resolvers = host.read('/etc/resolv.conf');
        const { starts } = service;
        await waitFor('the next start', () => service.starts > starts, BACK_LIMIT_MS);
        await conversation.goesOn(BACK_LIMIT_MS);
        await whole(BACK_LIMIT_MS);
        assert.is(await interfaceOf(host), before, output());
        const hasOurs = resolvers.includes('pcloud answers first');
        assert.is(hasOurs, signal === 'SIGKILL', 'who is killed leaves his resolver, who ends takes it away');
      }
    }));
}

test('resolv.conf is as it was found once the start after a kill ends', () =>
  withStations({}, async ({ seed, first, whole }) => {
    const original = 'search example.org\nnameserver 192.0.2.53\n';
    for (const { host, service } of [first, seed]) {
      await service.stop();
      host.write('/etc/resolv.conf', original, 0o644);
      service.start();
      await whole(BACK_LIMIT_MS);
      assert.match(host.read('/etc/resolv.conf'), /^# pcloud answers first/);
      await service.signal('SIGKILL');
      assert.match(host.read('/etc/resolv.conf'), /^# pcloud answers first/);
      await whole(BACK_LIMIT_MS);
      await service.stop();
      assert.is(host.read('/etc/resolv.conf'), original);
      service.start();
      await whole(BACK_LIMIT_MS);
    }
  }));

test('a daemon that "pcloud up" started and that was killed is followed by a service, or by the next "pcloud up"', async () => {
  const network = await createMeshNetwork();
  const [first] = network.clients as [Host, Host];
  const kill = 'kill -9 $(readlink /run/pcloud/state/lock.* | cut -d" " -f1)';
  try {
    const { ready } = await startSeed(network);
    const { addresses } = await up(first, ready.joinLink);
    const conversation = await startConversation(first, network.seed, '10.0.0.1');
    await first.run(kill);
    assert.equal((await up(first)).addresses, addresses);
    await conversation.goesOn(BACK_LIMIT_MS);

    await first.run(kill);
    const service = keepRunning(first, [PCLOUD, 'daemon']);
    await conversation.goesOn(BACK_LIMIT_MS);
    assert.equal((await status(first)).self.addresses, addresses);
    assert.is(service.starts, 1);
    await service.stop();
  } finally {
    await network.lab.close();
  }
});

test.run();
