/**
 * `wg-quick` with everything routed through the tunnel:
 *
 *     [left] eth0 192.0.2.1 ──── 192.0.2.2 eth0 [right] lo 198.51.100.7, 2001:db8:7::7
 *            wg0  10.9.0.1  ════ 10.9.0.2  wg0
 *
 * [left] routes 0.0.0.0/0 and ::/0 to [right], whose own endpoint must stay outside.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Host } from '../lab/host.ts';
import { createLab } from '../lab/lab.ts';
import { waitFor } from '../lab/wait.ts';
import { type Implementation, newestPeer, ours } from './lib/implementations.ts';
import { createKeyPair } from './lib/keys.ts';
import { finish, INNER, OUTER, startSide } from './lib/pair.ts';
import { assertPing, assertTransfer } from './lib/traffic.ts';
import type { Tunnel } from './lib/tunnel.ts';

const FAR: Readonly<Record<4 | 6, string>> = { 4: '198.51.100.7', 6: '2001:db8:7::7' };
const FIREWALL_MARK = '0xca6c';

/** `wg-quick` takes one word for its implementation: options go into a script. */
function quickCommand(host: Host, { command }: Implementation): Readonly<Record<string, string>> {
  const path = host.write('/run/implementation', `#!/bin/sh\nexec ${command.join(' ')} "$@"\n`, 0o755);
  return { WG_QUICK_USERSPACE_IMPLEMENTATION: path };
}

interface Hosts {
  readonly left: Host;
  readonly right: Tunnel;
  /** Runs `wg-quick WORD wg0` on the left. */
  quick(word: string): Promise<string>;
  /** Writes the configuration of the left. */
  configure(allowedIps: string, more?: { interface?: string; peer?: string }): void;
}

async function withHosts(implementation: Implementation, scenario: (hosts: Hosts) => Promise<void>): Promise<void> {
  const lab = createLab();
  const tunnels: Tunnel[] = [];
  await finish(lab, tunnels, async () => {
    const [left, rightHost] = await Promise.all([lab.host('left'), lab.host('right')]);
    const end = (host: Host, side: 'left' | 'right') => ({
      host,
      name: 'eth0',
      addresses: [`${OUTER[4][side]}/24`, `${OUTER[6][side]}/64`],
    });
    await lab.connect(end(left, 'left'), end(rightHost, 'right'));
    await left.run(`ip route add default via ${OUTER[4].right} && ip -6 route add default via ${OUTER[6].right}`);
    await rightHost.run(`ip address add ${FAR[4]}/32 dev lo && ip address add ${FAR[6]}/128 dev lo nodad`);
    const right = await startSide(rightHost, 'right', newestPeer());
    tunnels.push(right);
    const keys = createKeyPair();
    await right.setPeer(keys.publicKey, { allowedIps: [`${INNER[4].left}/32`, `${INNER[6].left}/128`] });
    const env = quickCommand(left, implementation);
    await scenario({
      left,
      right,
      quick: async (word) => {
        const { stdout, stderr } = await left.run(['wg-quick', word, 'wg0'], { env });
        return stdout + stderr;
      },
      configure: (allowedIps, more = {}) => {
        left.write(
          '/etc/wireguard/wg0.conf',
          `[Interface]
PrivateKey = ${keys.privateKey}
Address = ${INNER[4].left}/24, ${INNER[6].left}/64
${more.interface ?? ''}

[Peer]
PublicKey = ${right.keys.publicKey}
Endpoint = ${OUTER[4].right}:${right.port}
AllowedIPs = ${allowedIps}
${more.peer ?? ''}
`,
        );
      },
    });
  });
}

/** Commands of all processes of a host. */
async function processes(host: Host): Promise<string> {
  return (await host.run(['ps', '-eo', 'args='])).stdout;
}

test('everything is routed through the tunnel, its own packets are not, and down takes it all away', async () => {
  await withHosts(ours(), async ({ left, right, quick, configure }) => {
    configure('0.0.0.0/0, ::/0');
    const before = await left.run('ip rule; ip -6 rule; ip route; ip -6 route | grep -v ^fe80; nft list ruleset');
    await quick('up');
    for (const family of [4, 6] as const) {
      const route = (await left.run(`ip -${family} route get ${FAR[family]}`)).stdout;
      assert.match(route, /dev wg0 table 51820/);
      await assertPing(left, FAR[family], { count: 3 });
    }
    await assertTransfer(left, right.host, FAR[4], 5_000_000);
    await assertTransfer(left, right.host, FAR[6], 5_000_000);

    assert.is((await left.run('wg show wg0 fwmark')).stdout.trim(), FIREWALL_MARK);
    assert.is((await left.run('sysctl -n net.ipv4.conf.all.src_valid_mark')).stdout.trim(), '1');
    assert.match((await left.run(`ip -4 route get ${OUTER[4].right} mark 51820`)).stdout, /dev eth0/);
    assert.match((await left.run('nft list tables')).stdout, /wg-quick-wg0/);
    assert.match((await left.run('ip link show wg0')).stdout, /mtu 1420/);

    await quick('down');
    const after = await left.run('ip rule; ip -6 rule; ip route; ip -6 route | grep -v ^fe80; nft list ruleset');
    assert.is(after.stdout, before.stdout);
    await waitFor(
      'the process to end',
      async () => !/implementation|pcloud-wg|wireguard.* wg0/.test(await processes(left)),
      3000,
    );
  });
});

test('the tunnel of wg-quick comes up, goes and comes back, ten times', async () => {
  await withHosts(ours(), async ({ left, quick, configure }) => {
    configure(`${INNER[4].right}/32`);
    for (let round = 0; round < 10; round++) {
      await quick('up');
      await assertPing(left, INNER[4].right);
      await quick('down');
      assert.is((await left.run('ip link show wg0', { check: false })).code, 1);
    }
  });
});

test('settings of the file arrive: MTU, port, preshared key, keepalive, table, hooks', async () => {
  await withHosts(ours(), async ({ left, right, quick, configure }) => {
    const presharedKey = (await left.run('wg genpsk')).stdout.trim();
    await right.host.run([
      'wg',
      'set',
      'wg0',
      'peer',
      (await right.peer()).publicKey,
      'preshared-key',
      right.host.write('/run/psk', presharedKey),
    ]);
    configure(`${INNER[4].right}/32, ${FAR[4]}/32`, {
      interface: 'MTU = 1300\nListenPort = 4444\nTable = 123\nPostUp = touch /run/up-%i\nPostDown = touch /run/down-%i',
      peer: `PresharedKey = ${presharedKey}\nPersistentKeepalive = 25`,
    });
    await quick('up');
    await assertPing(left, INNER[4].right, { count: 2 });
    assert.match((await left.run('ip link show wg0')).stdout, /mtu 1300/);
    assert.match((await left.run('ip route show table 123')).stdout, /198\.51\.100\.7 dev wg0/);
    assert.is((await right.peer()).endpoint, `${OUTER[4].left}:4444`);
    const [, line] = (await left.run('wg show wg0 dump')).stdout.split('\n');
    assert.is(line!.split('\t')[1], presharedKey);
    assert.is(line!.split('\t')[7], '25');
    await quick('down');
    await left.run('test -e /run/up-wg0 && test -e /run/down-wg0');
  });
});

test('strip and syncconf change peers and leave the session of the others alone', async () => {
  await withHosts(ours(), async ({ left, right, quick, configure }) => {
    configure(`${INNER[4].right}/32`);
    await quick('up');
    await assertPing(left, INNER[4].right);
    const other = createKeyPair().publicKey;
    configure(`${INNER[4].right}/32`, {
      peer: `PersistentKeepalive = 21\n\n[Peer]\nPublicKey = ${other}\nAllowedIPs = 10.44.0.0/16`,
    });
    await left.run(['bash', '-c', 'wg syncconf wg0 <(wg-quick strip wg0)']);
    const lines = (await left.run('wg show wg0 dump')).stdout.trimEnd().split('\n').slice(1);
    assert.is(lines.length, 2);
    const kept = lines.find((line) => line.startsWith(right.keys.publicKey))!.split('\t');
    assert.is(kept[7], '21');
    assert.ok(Number(kept[4]) > 0 && Number(kept[5]) > 0, 'handshake and counters are kept');
    assert.match(lines.find((line) => line.startsWith(other))!, /10\.44\.0\.0\/16/);
    await assertPing(left, INNER[4].right, { count: 3 });
  });
});

test('wg-quick save writes what runs', async () => {
  await withHosts(ours(), async ({ left, quick, configure }) => {
    configure(`${INNER[4].right}/32`, { interface: 'ListenPort = 4444' });
    await quick('up');
    await left.run('wg set wg0 peer $(wg show wg0 peers) persistent-keepalive 17');
    await quick('save');
    const saved = left.read('/etc/wireguard/wg0.conf');
    assert.match(saved, /PersistentKeepalive = 17/);
    assert.match(saved, /ListenPort = 4444/);
  });
});

test.run();
