/** The program as a program: how it starts, what it answers for packets it cannot send, how it ends. */
import { existsSync, readdirSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Host } from '../lab/host.ts';
import { createLab } from '../lab/lab.ts';
import { waitFor } from '../lab/wait.ts';
import { ours } from './lib/implementations.ts';
import { INNER, withPair } from './lib/pair.ts';
import { readStatus } from './lib/status.ts';
import { assertPing, ping, startPing, stopPing } from './lib/traffic.ts';
import { startProcess, startTunnel } from './lib/tunnel.ts';

async function withHost(scenario: (host: Host) => Promise<void>): Promise<void> {
  const lab = createLab();
  try {
    await scenario(await lab.host('alone'));
  } finally {
    await lab.close();
  }
}

function socketExists(host: Host): boolean {
  return existsSync(`/proc/${host.pid}/root/run/wireguard/wg0.sock`);
}

test('a packet that no peer owns is answered with host unreachable', async () => {
  await withPair({}, async ({ left }) => {
    for (const address of ['10.9.0.99', 'fd09::99']) {
      const { output, received } = await ping(left.host, address, { count: 2, waitSeconds: 1 });
      assert.is(received, 0);
      assert.match(output, /Destination (Host Unreachable|unreachable: Address unreachable)/, output);
    }
  });
});

test('a packet for a peer without an endpoint is answered with host unreachable', async () => {
  await withPair({ endpoints: 'neither' }, async ({ left, right }) => {
    const { output } = await ping(left.host, INNER[4].right, { waitSeconds: 1 });
    assert.match(output, /Destination Host Unreachable/, output);
    const status = await readStatus(left.host);
    assert.is(status.peers.find(({ publicKey }) => publicKey === right.keys.publicKey)?.reason, 'no-endpoint');
  });
});

for (const [title, count] of [
  ['one packet', 1],
  ['steady traffic', 300],
] as const) {
  test(`a peer that does not answer has its reason in the status: ${title}`, async () => {
    await withPair({}, async ({ left, right }) => {
      await right.stop();
      await ping(left.host, INNER[4].right, { count, intervalMs: 20, waitSeconds: 7 });
      const [peer] = (await readStatus(left.host)).peers;
      assert.is(peer?.reason, 'no-reply');
      assert.ok(peer && peer.sentence.length > 10);
    });
  });
}

test('a preshared key that differs shows as a suspicion', async () => {
  await withPair({ presharedKey: true }, async ({ left, right }) => {
    await left.setPeer(right.keys.publicKey, { presharedKey: Buffer.alloc(32, 7).toString('base64') });
    await ping(left.host, INNER[4].right, { waitSeconds: 1 });
    const [peer] = (await readStatus(left.host)).peers;
    assert.is(peer?.reason, 'psk-mismatch');
  });
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} ends it with code 0 and takes interface and socket away`, async () => {
    await withHost(async (host) => {
      const process = await startProcess(host, ours(), 'wg0');
      await host.run('ip link set wg0 up');
      const { code } = await process.stop(signal, 3000);
      assert.is(code, 0, process.output());
      assert.is(socketExists(host), false);
      assert.is((await host.run('ip link show wg0', { check: false })).code, 1);
    });
  });
}

test('it ends cleanly when its interface is deleted', async () => {
  await withHost(async (host) => {
    const process = await startProcess(host, ours(), 'wg0');
    await host.run('ip link set wg0 up && ip link delete wg0');
    await waitFor(
      'the end',
      () => !process.isRunning,
      3000,
      () => process.output(),
    );
    assert.is((await process.exited).code, 0, process.output());
    assert.is(socketExists(host), false);
  });
});

test('it ends cleanly when its interface is deleted under traffic', async () => {
  await withPair({}, async ({ left }) => {
    await assertPing(left.host, INNER[4].right);
    const pinging = startPing(left.host, INNER[4].right, 2);
    await left.host.run('sleep 0.3; ip link delete wg0');
    await waitFor(
      'the end',
      () => !left.process.isRunning,
      3000,
      () => left.process.output(),
    );
    assert.is((await left.process.exited).code, 0, left.process.output());
    await stopPing(pinging);
  });
});

test('it ends cleanly when its socket is deleted', async () => {
  await withHost(async (host) => {
    const process = await startProcess(host, ours(), 'wg0');
    await host.run('rm /var/run/wireguard/wg0.sock');
    await waitFor(
      'the end',
      () => !process.isRunning,
      3000,
      () => process.output(),
    );
    assert.is((await process.exited).code, 0, process.output());
    assert.is((await host.run('ip link show wg0', { check: false })).code, 1);
  });
});

test('without -f it goes to the background once wg can speak to it', async () => {
  await withHost(async (host) => {
    await host.run([...ours().command, 'wg0']);
    await host.run('wg set wg0 listen-port 7000 && ip link set wg0 up && wg show wg0');
    await host.run('rm /var/run/wireguard/wg0.sock');
    await waitFor('the end', async () => (await host.run('ip link show wg0', { check: false })).code === 1, 3000);
  });
});

test('a socket left over by a killed process is no obstacle', async () => {
  await withHost(async (host) => {
    const first = await startProcess(host, ours(), 'wg0');
    await first.stop('SIGKILL');
    assert.is(socketExists(host), true);
    const second = await startProcess(host, ours(), 'wg0');
    await second.stop();
  });
});

test('an interface that is taken is refused in one line, and the one that runs stays', async () => {
  await withHost(async (host) => {
    const first = await startProcess(host, ours(), 'wg0');
    const { code, stderr } = await host.run([...ours().command, '-f', 'wg0'], { check: false, timeoutMs: 5000 });
    assert.is.not(code, 0);
    assert.match(stderr, /wg0/);
    assert.is(first.isRunning, true);
    await host.run('wg show wg0');
  });
});

test('arguments that make no sense get one line that names them', async () => {
  await withHost(async (host) => {
    const cases: readonly (readonly [words: string[], expected: RegExp])[] = [
      [[], /IFNAME/],
      [['-f', 'an-interface-name-that-is-too-long'], /an-interface-name-that-is-too-long/],
      [['-f', 'a/b'], /a\/b/],
      [['-f', '--crypto', 'rot13', 'wg0'], /--crypto.*rot13/],
      [['-f', '--no-such-option', 'wg0'], /--no-such-option/],
    ];
    for (const [words, expected] of cases) {
      const { code, stderr } = await host.run([...ours().command, ...words], { check: false, timeoutMs: 5000 });
      assert.is.not(code, 0, words.join(' '));
      assert.match(stderr, expected);
      assert.is(stderr.trimEnd().split('\n').length, 1, stderr);
    }
  });
});

test('bad values given to wg set are refused in words and change nothing', async () => {
  await withPair({}, async ({ left, right }) => {
    const before = (await left.host.run('wg showconf wg0')).stdout;
    const cases: readonly (readonly [words: string[], expected: RegExp])[] = [
      [['private-key', '/dev/zero'], /key/i],
      [['peer', 'abc', 'remove'], /Key is not the correct length/],
      [['peer', right.keys.publicKey, 'allowed-ips', '10.0.0.0/64'], /Unable to parse|10\.0\.0\.0\/64/],
      [['peer', right.keys.publicKey, 'persistent-keepalive', '70000'], /70000/],
      [['peer', right.keys.publicKey, 'endpoint', '1.2.3.4'], /endpoint|port/i],
    ];
    for (const [words, expected] of cases) {
      const { code, stderr } = await left.host.run(['wg', 'set', 'wg0', ...words], { check: false });
      assert.is.not(code, 0, words.join(' '));
      assert.match(stderr, expected);
    }
    assert.is((await left.host.run('wg showconf wg0')).stdout, before);
    await assertPing(left.host, INNER[4].right);
  });
});

test('a clock that went back across a restart does not lock us out', async () => {
  await withPair({}, async ({ left, right }) => {
    await left.stop();
    const peer = { endpoint: `192.0.2.2:${right.port}`, allowedIps: [`${INNER[4].right}/32`] };
    for (const env of [clockAhead('+30d'), {}]) {
      const addresses = [`${INNER[4].left}/24`];
      const started = await startTunnel({ host: left.host, implementation: ours(), keys: left.keys, addresses, env });
      await started.setPeer(right.keys.publicKey, peer);
      await assertPing(left.host, INNER[4].right, { waitSeconds: 8 });
      await started.stop();
    }
  });
});

/** The environment of a process whose wall clock is wrong (libfaketime). */
function clockAhead(offset: string): Readonly<Record<string, string>> {
  const paths = readdirSync('/usr/lib').map((directory) => `/usr/lib/${directory}/faketime/libfaketime.so.1`);
  const library = paths.find((path) => existsSync(path));
  if (!library) throw new Error('libfaketime is missing: apt-get install faketime');
  return { LD_PRELOAD: library, FAKETIME: offset, DONT_FAKE_MONOTONIC: '1' };
}

test('up, down and up again makes a session each time', async () => {
  await withPair({}, async ({ left }) => {
    for (let round = 0; round < 3; round++) {
      await assertPing(left.host, INNER[4].right, { waitSeconds: 6 });
      await left.host.run('ip link set wg0 down');
      const { code } = await left.host.run(['ping', '-c', '1', '-W', '1', INNER[4].right], { check: false });
      assert.is.not(code, 0);
      await left.host.run(`ip link set wg0 up && ip -6 address add ${INNER[6].left}/64 dev wg0 nodad`);
    }
  });
});

test.run();
