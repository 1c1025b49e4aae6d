/** `pcloud down` and what is left of the tunnel behind it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Host } from '../lab/index.ts';
import { waitFor } from '../lab/wait.ts';
import { createMeshNetwork, type MeshNetwork, PCLOUD, startSeed, status, up } from './lib/network.ts';

async function withNetwork(act: (network: MeshNetwork, client: Host, link: string) => Promise<void>): Promise<void> {
  const network = await createMeshNetwork();
  try {
    const { ready } = await startSeed(network);
    await act(network, network.clients[0]!, ready.joinLink);
  } finally {
    await network.lab.close();
  }
}

async function daemonsOf(host: Host): Promise<number> {
  // Of those that have ended only the name is left.
  const { stdout } = await host.run(['ps', '-eo', 'args']);
  return stdout.split('\n').filter((line) => line.includes('pcloud daemon')).length;
}

test('down ends the daemon that up started, is told of in plain words, and up brings it all back', () =>
  withNetwork(async (_network, client, link) => {
    const { addresses } = await up(client, link);
    assert.is(await daemonsOf(client), 1);
    for (let round = 0; round < 2; round++) {
      await client.run([PCLOUD, 'down']);
      assert.is(await daemonsOf(client), 0);
      assert.not.match((await client.run('ip -o link')).stdout, /pcloud0/);
      assert.match((await client.run([PCLOUD, 'status'])).stdout, /Down\. "pcloud up" brings the tunnel back\./);
      assert.equal((await status(client)).self.addresses, addresses);
      await client.run([PCLOUD, 'down']);
      assert.equal((await up(client)).addresses, addresses);
    }
    await waitFor(
      'the seed to answer',
      async () => (await client.run('ping -c 1 -W 1 10.0.0.1', { check: false })).code === 0,
    );
    await client.run([PCLOUD, 'logout']);
    assert.is(await daemonsOf(client), 0);
    assert.is((await client.run([PCLOUD, 'status'], { check: false })).code, 4);
  }));

test('a daemon in the foreground stays when it goes down', () =>
  withNetwork(async (_network, client, link) => {
    const daemon = client.spawn([PCLOUD, 'daemon']);
    await waitFor('the daemon', async () => (await client.run([PCLOUD, 'status'], { check: false })).code === 0);
    await up(client, link);
    await client.run([PCLOUD, 'down']);
    assert.match((await client.run([PCLOUD, 'status'])).stdout, /Down\./);
    assert.ok(daemon.isRunning);
  }));

test.run();
