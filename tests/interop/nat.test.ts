/**
 * A tunnel out of a home network:
 *
 *     [left] eth0 192.168.1.2 ──── 192.168.1.1 lan [router] wan 203.0.113.1 ──── 203.0.113.2 eth0 [right]
 *
 * The router lets in only what answers, and forgets after five seconds.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Host } from '../lab/host.ts';
import { createLab } from '../lab/lab.ts';
import { forgetMappings, type NatOptions, translate } from '../lab/nat.ts';
import { sleep, waitFor } from '../lab/wait.ts';
import { type Implementation, newestPeer, ours } from './lib/implementations.ts';
import { finish, INNER, startSide } from './lib/pair.ts';
import { assertPing, ping } from './lib/traffic.ts';
import type { Tunnel } from './lib/tunnel.ts';

const FORGETS_AFTER_SECONDS = 5;

interface Home {
  readonly left: Tunnel;
  readonly right: Tunnel;
  readonly router: Host;
}

async function withHome(
  implementations: readonly [Implementation, Implementation],
  kind: NonNullable<NatOptions['kind']>,
  scenario: (home: Home) => Promise<void>,
): Promise<void> {
  const lab = createLab();
  const tunnels: Tunnel[] = [];
  await finish(lab, tunnels, async () => {
    const [leftHost, router, rightHost] = await Promise.all([
      lab.host('left'),
      lab.router('router'),
      lab.host('right'),
    ]);
    const end = (host: Host, name: string, address: string) => ({ host, name, addresses: [`${address}/24`] });
    await lab.connect(end(leftHost, 'eth0', '192.168.1.2'), end(router, 'lan', '192.168.1.1'));
    await lab.connect(end(router, 'wan', '203.0.113.1'), end(rightHost, 'eth0', '203.0.113.2'));
    await leftHost.run('ip route add default via 192.168.1.1');
    await translate(router, { outside: 'wan', kind, udpTimeoutSeconds: FORGETS_AFTER_SECONDS });
    const [left, right] = await Promise.all([
      startSide(leftHost, 'left', implementations[0]),
      startSide(rightHost, 'right', implementations[1]),
    ]);
    tunnels.push(left, right);
    const allowedIps = (side: 'left' | 'right') => ({ allowedIps: [`${INNER[4][side]}/32`] });
    await right.setPeer(left.keys.publicKey, allowedIps('left'));
    await left.setPeer(right.keys.publicKey, { ...allowedIps('right'), endpoint: '203.0.113.2:51820' });
    await scenario({ left, right, router });
  });
}

const sides = [
  { title: 'ours inside', implementations: [ours(), newestPeer()] as const },
  { title: 'ours outside', implementations: [newestPeer(), ours()] as const },
];

for (const { title, implementations } of sides) {
  test(`a keepalive keeps the way in open: ${title}`, async () => {
    await withHome(implementations, 'port-restricted', async ({ left, right }) => {
      await left.setPeer(right.keys.publicKey, { keepalive: 2 });
      await waitFor('a handshake', async () => (await right.peer()).handshakeAt > 0, 3000);
      await sleep((FORGETS_AFTER_SECONDS + 3) * 1000);
      await assertPing(right.host, INNER[4].left, { count: 3 });
    });
  });

  test(`without a keepalive the way in closes, and traffic from inside opens it: ${title}`, async () => {
    await withHome(implementations, 'port-restricted', async ({ left, right, router }) => {
      await assertPing(left.host, INNER[4].right);
      await forgetMappings(router);
      assert.is((await ping(right.host, INNER[4].left, { waitSeconds: 1 })).received, 0);
      await assertPing(left.host, INNER[4].right, { count: 3 });
      await assertPing(right.host, INNER[4].left, { count: 3 });
    });
  });

  test(`a router that restarts and hands out another port loses a second at most: ${title}`, async () => {
    await withHome(implementations, 'symmetric', async ({ left, right, router }) => {
      await left.setPeer(right.keys.publicKey, { keepalive: 1 });
      await assertPing(left.host, INNER[4].right);
      const { endpoint, handshakeAt } = await right.peer();
      await forgetMappings(router);
      await waitFor('the new port', async () => (await right.peer()).endpoint !== endpoint, 2500);
      await assertPing(right.host, INNER[4].left, { count: 3 });
      assert.is((await right.peer()).handshakeAt, handshakeAt, 'the session goes on');
    });
  });
}

test.run();
