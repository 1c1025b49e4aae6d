/** `wg` reads back from ours what it reads back from wireguard-go, and is told what is wrong in the same words. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Host } from '../lab/host.ts';
import { createLab } from '../lab/lab.ts';
import { newestPeer, ours } from './lib/implementations.ts';
import { createKeyPair, createPresharedKey } from './lib/keys.ts';
import { startProcess } from './lib/tunnel.ts';
import { askUapi, errnoOf } from './lib/uapi.ts';

/** Ours on one host, the newest wireguard-go on the other, with no network between them. */
async function withBoth(scenario: (ours: Host, theirs: Host) => Promise<void>): Promise<void> {
  const lab = createLab();
  try {
    const [left, right] = await Promise.all([lab.host('ours'), lab.host('theirs')]);
    await Promise.all([startProcess(left, ours(), 'wg0'), startProcess(right, newestPeer(), 'wg0')]);
    for (const host of [left, right]) await host.run('ip link set wg0 up');
    await scenario(left, right);
  } finally {
    await lab.close();
  }
}

/** Lines of `wg show wg0 dump` with peers and prefixes in one order, and without what was sent and received. */
async function dump(host: Host): Promise<string[]> {
  const [head, ...peers] = (await host.run('wg show wg0 dump')).stdout.trimEnd().split('\n');
  const ordered = peers.map((line) => {
    const fields = line.split('\t');
    fields[3] = fields[3]!.split(',').sort().join(',');
    fields.splice(4, 3);
    return fields.join('\t');
  });
  return [head!, ...ordered.sort()];
}

/** Sections of `wg showconf wg0`, lines and prefixes in one order. */
async function showconf(host: Host): Promise<string[]> {
  const sections = (await host.run('wg showconf wg0')).stdout.trimEnd().split('\n\n');
  const words = (section: string): string =>
    section
      .split(/[\s,]+/)
      .sort()
      .join(' ');
  return sections.map(words).sort();
}

const psk = createPresharedKey();
const [own, a, b, c] = [createKeyPair(), createKeyPair(), createKeyPair(), createKeyPair()];

const FIRST = `[Interface]
PrivateKey = ${own.privateKey}
ListenPort = 7001
FwMark = 0x1234

[Peer]
PublicKey = ${a.publicKey}
PresharedKey = ${psk}
AllowedIPs = 10.1.0.0/16, 10.2.3.4/32, fd01::/48, 0.0.0.0/0
Endpoint = 192.0.2.9:1234
PersistentKeepalive = 25

[Peer]
PublicKey = ${b.publicKey}
AllowedIPs = 10.1.2.0/24, ::/0
Endpoint = [2001:db8::9]:65535
`;

const SECOND = `[Interface]
PrivateKey = ${own.privateKey}
ListenPort = 7002

[Peer]
PublicKey = ${a.publicKey}
AllowedIPs = 10.1.0.0/17
PersistentKeepalive = 0

[Peer]
PublicKey = ${c.publicKey}
AllowedIPs = 10.1.2.0/24
`;

test('after setconf, addconf, syncconf and set, wg shows the same of both', async () => {
  await withBoth(async (left, right) => {
    const both = async (command: string): Promise<void> => {
      for (const host of [left, right]) await host.run(command);
      assert.equal(await dump(left), await dump(right), command);
    };
    for (const host of [left, right]) {
      host.write('/run/first', FIRST);
      host.write('/run/second', SECOND);
    }
    await both('wg setconf wg0 /run/first');
    assert.equal(await showconf(left), await showconf(right));
    await both('wg syncconf wg0 /run/second');
    await both('wg addconf wg0 /run/first');
    await both('wg setconf wg0 /run/second');
    await both(`wg set wg0 peer ${a.publicKey} allowed-ips 10.1.2.0/24,10.9.0.0/16`);
    await both(`wg set wg0 peer ${a.publicKey} allowed-ips ''`);
    await both(`wg set wg0 peer ${a.publicKey} persistent-keepalive 65535`);
    await both(`wg set wg0 peer ${a.publicKey} persistent-keepalive off`);
    await both('wg set wg0 fwmark 0x7fffffff');
    await both('wg set wg0 fwmark 0');
    await both(`wg set wg0 peer ${c.publicKey} remove`);
    await both(`wg set wg0 peer ${own.publicKey} allowed-ips 10.7.0.0/16`);
    await both('wg set wg0 private-key /dev/null');
  });
});

test('a private key whose public key is a peer takes that peer away', async () => {
  await withBoth(async (left, right) => {
    for (const host of [left, right]) {
      await host.run(`wg set wg0 private-key ${host.write('/run/own', own.privateKey)}`);
      await host.run(`wg set wg0 peer ${a.publicKey} allowed-ips 10.0.0.0/8 peer ${b.publicKey}`);
      await host.run(`wg set wg0 private-key ${host.write('/run/a', a.privateKey)}`);
      assert.is((await host.run('wg show wg0 peers')).stdout.trim(), b.publicKey);
    }
  });
});

test('130,560 prefixes of one peer load and read back', async () => {
  const lab = createLab();
  try {
    const host = await lab.host('ours');
    await startProcess(host, ours(), 'wg0');
    const prefixes: string[] = [];
    for (let high = 0; high < 255; high++)
      for (let low = 0; low < 256; low++)
        prefixes.push(`10.${high}.${low}.0/24`, `2001:${(high + 1).toString(16)}:${(low + 1).toString(16)}::/48`);
    const lines = prefixes.map((prefix) => `AllowedIPs = ${prefix}`);
    host.write('/run/large', `[Peer]\nPublicKey = ${a.publicKey}\n${lines.join('\n')}\n`);
    const started = performance.now();
    await host.run('wg setconf wg0 /run/large', { timeoutMs: 30_000 });
    const loaded = performance.now();
    const shown = (await host.run('wg show wg0 allowed-ips')).stdout.trim().split(/\s+/).slice(1);
    console.log(
      `config: 130,560 prefixes: load ${(loaded - started).toFixed(0)} ms, show ${(performance.now() - loaded).toFixed(0)} ms`,
    );
    assert.is(shown.length, 130_560);
    assert.equal(shown.sort(), prefixes.sort());
  } finally {
    await lab.close();
  }
});

const hex = (base64: string): string => Buffer.from(base64, 'base64').toString('hex');
const EINVAL = -22;
const EPROTO = -71;
const EADDRINUSE = -98;

/** Lines of a set operation and the errno they must get. */
const MALFORMED: readonly (readonly [lines: string, errno: number])[] = [
  ['private_key=zz', EINVAL],
  ['private_key=00', EINVAL],
  [`private_key=${'0'.repeat(63)}`, EINVAL],
  [`private_key=${'0'.repeat(66)}`, EINVAL],
  [`private_key=${'g'.repeat(64)}`, EINVAL],
  ['private_key=', EINVAL],
  ['listen_port=65536', EINVAL],
  ['listen_port=-1', EINVAL],
  ['listen_port=abc', EINVAL],
  ['listen_port=', EINVAL],
  ['listen_port=1 ', EINVAL],
  ['fwmark=', EINVAL],
  ['fwmark=4294967296', EINVAL],
  ['fwmark=-1', EINVAL],
  ['fwmark=xyz', EINVAL],
  ['replace_peers=false', EINVAL],
  ['replace_peers=1', EINVAL],
  ['replace_peers=', EINVAL],
  ['no_such_key=1', EINVAL],
  ['=1', EINVAL],
  ['listen_port', EPROTO],
  ['private key', EPROTO],
  ['public_key=00', EINVAL],
  [`public_key=${'x'.repeat(64)}`, EINVAL],
  ['endpoint=192.0.2.1:1', EINVAL],
  ['allowed_ip=10.0.0.0/8', EINVAL],
  ['PEER remove=false', EINVAL],
  ['PEER update_only=1', EINVAL],
  ['PEER preshared_key=12', EINVAL],
  ['PEER endpoint=192.0.2.1', EINVAL],
  ['PEER endpoint=192.0.2.1:65536', EINVAL],
  ['PEER endpoint=192.0.2.256:1', EINVAL],
  ['PEER endpoint=2001:db8::1:1', EINVAL],
  ['PEER endpoint=[2001:db8::1]', EINVAL],
  ['PEER endpoint=', EINVAL],
  ['PEER persistent_keepalive_interval=65536', EINVAL],
  ['PEER persistent_keepalive_interval=off', EINVAL],
  ['PEER persistent_keepalive_interval=', EINVAL],
  ['PEER replace_allowed_ips=yes', EINVAL],
  ['PEER allowed_ip=10.0.0.0/33', EINVAL],
  ['PEER allowed_ip=10.0.0.0', EINVAL],
  ['PEER allowed_ip=10.0.0/8', EINVAL],
  ['PEER allowed_ip=fd00::/129', EINVAL],
  ['PEER allowed_ip=fd00:::/64', EINVAL],
  ['PEER allowed_ip=/8', EINVAL],
  ['PEER allowed_ip=', EINVAL],
  ['PEER protocol_version=2', EINVAL],
  ['PEER listen_port=7003', EINVAL],
  ['PEER no_such_key=1', EINVAL],
];

test('a malformed line gets the errno that wireguard-go gives it and changes nothing', async () => {
  await withBoth(async (left, right) => {
    for (const host of [left, right]) {
      host.write('/run/first', FIRST);
      await host.run('wg setconf wg0 /run/first');
    }
    const before = await dump(left);
    for (const [lines, errno] of MALFORMED) {
      const text = `set=1\n${lines.replace('PEER ', `public_key=${hex(a.publicKey)}\n`)}\n\n`;
      assert.is(errnoOf(await askUapi(right, 'wg0', text)), errno, `wireguard-go: ${JSON.stringify(lines)}`);
      assert.is(errnoOf(await askUapi(left, 'wg0', text)), errno, `ours: ${JSON.stringify(lines)}`);
      assert.equal(await dump(left), before, `nothing changed: ${lines}`);
    }
  });
});

test('operations of every malformed sort leave the socket working', async () => {
  await withBoth(async (left) => {
    for (const text of [
      '',
      '\n',
      '\n\n',
      'nonsense\n\n',
      'get=2\n\n',
      'set=\n\n',
      'get=1',
      `${'x'.repeat(1_000_000)}\n\n`,
      '\0\0\0\0',
      'set=1\n',
      'set=1\nlisten_port=7009',
    ]) {
      await askUapi(left, 'wg0', text).catch(() => '');
      assert.match(await askUapi(left, 'wg0', 'get=1\n\n'), /errno=0\n\n$/);
    }
    assert.is((await left.run('wg show wg0 listen-port')).stdout.trim(), '7009', 'the end of input ends a set');
  });
});

test('several operations go over one connection', async () => {
  await withBoth(async (left) => {
    const answer = await askUapi(
      left,
      'wg0',
      'set=1\nlisten_port=7010\n\nget=1\n\nset=1\nlisten_port=7011\n\nget=1\n\n',
    );
    assert.is(answer.match(/errno=0\n\n/g)?.length, 4);
    assert.match(answer, /listen_port=7010(.|\n)*listen_port=7011/);
  });
});

test('a port that is taken is refused in words, and the old one stays', async () => {
  await withBoth(async (left) => {
    await left.run('wg set wg0 listen-port 7020');
    await startProcess(left, ours(), 'wg1');
    await left.run('ip link set wg1 up && wg set wg1 listen-port 7021');
    const { code, stderr } = await left.run('wg set wg1 listen-port 7020', { check: false });
    assert.is(code, 1);
    assert.match(stderr, /Address already in use/);
    assert.is(errnoOf(await askUapi(left, 'wg1', 'set=1\nlisten_port=7020\n\n')), EADDRINUSE);
    assert.is((await left.run('wg show wg1 listen-port')).stdout.trim(), '7021');
  });
});

test.run();
