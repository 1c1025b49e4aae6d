/**
 * A peer whose endpoint is a host name and whose address changes while nobody looks:
 *
 *     [left] eth0 192.0.2.1 ──── 192.0.2.2, later 192.0.2.77 eth0 [right]
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Host } from '../lab/host.ts';
import { waitFor } from '../lab/wait.ts';
import { newestPeer, ours } from './lib/implementations.ts';
import { INNER, OUTER, type Pair, withPair } from './lib/pair.ts';
import { assertPing, ping } from './lib/traffic.ts';

const NAME = 'peer.example';

/** Gives a host its own /etc/hosts, in which the name has these addresses. */
async function nameIs(host: Host, ...addresses: readonly string[]): Promise<void> {
  host.write(
    '/run/hosts',
    `127.0.0.1 localhost\n${addresses.map((address) => `${address} ${NAME}\n`).join('')}`,
    0o644,
  );
  const { code } = await host.run('mountpoint -q /etc/hosts', { check: false });
  if (code !== 0) await host.run('mount --bind /run/hosts /etc/hosts');
}

/** Writes the file of the left and loads it with `wg`, which resolves the name once. */
async function configureByName({ left, right }: Pair): Promise<void> {
  const text = `[Interface]
PrivateKey = ${left.keys.privateKey}
ListenPort = ${left.port}

[Peer]
PublicKey = ${right.keys.publicKey}
AllowedIPs = ${INNER[4].right}/32
Endpoint = ${NAME}:${right.port}
`;
  const path = left.host.write('/etc/wireguard/wg0.conf', text);
  await left.host.run(['wg', 'setconf', 'wg0', path]);
}

test('a name that leads elsewhere is resolved again when handshakes stay unanswered', async () => {
  await withPair({ left: ours(), right: newestPeer(), endpoints: 'neither' }, async (pair) => {
    const { left, right } = pair;
    await nameIs(left.host, OUTER[4].left.replace(/1$/, '99'));
    await configureByName(pair);
    assert.is((await ping(left.host, INNER[4].right, { waitSeconds: 1 })).received, 0);
    await nameIs(left.host, OUTER[4].right);
    left.host.spawn(['ping', '-n', '-i', '0.02', INNER[4].right]);
    await waitFor('a handshake', async () => (await left.peer()).handshakeAt > 0, 25_000);
    assert.is((await left.peer()).endpoint, `${OUTER[4].right}:${right.port}`);
    await assertPing(left.host, INNER[4].right, { count: 3 });
  });
});

test('of two addresses of a name, IPv6 dead and IPv4 alive, the one that answers is found', async () => {
  await withPair({ left: ours(), right: newestPeer(), endpoints: 'neither' }, async (pair) => {
    const { left } = pair;
    await nameIs(left.host, '2001:db8::99', OUTER[4].right);
    await configureByName(pair);
    left.host.spawn(['ping', '-n', '-i', '0.02', INNER[4].right]);
    await waitFor('a handshake', async () => (await left.peer()).handshakeAt > 0, 25_000);
    await assertPing(left.host, INNER[4].right, { count: 3 });
  });
});

test.run();
