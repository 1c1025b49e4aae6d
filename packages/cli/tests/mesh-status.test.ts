import type { MeshPeerStatus, MeshStatus } from '@pcloud/daemon';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { formatMesh } from '../src/texts/mesh.ts';
import { withRig } from './cli-rig.ts';

const PEER: MeshPeerStatus = {
  name: 'server1',
  addresses: ['10.0.0.1', 'fd12:3456:789a::1'],
  online: true,
  path: 'direct',
  endpoint: '192.0.2.10:51820',
  latencyMs: 1.25,
  rxBytes: 1_500_000,
  txBytes: 3_000,
  reason: 'connected',
  sentence: 'Connected.',
};

const STATUS: MeshStatus = {
  state: 'up',
  version: '0.1.0',
  self: { name: 'laptop', addresses: ['10.0.0.2', 'fd12:3456:789a::2'] },
  network: { id: 'a'.repeat(52), prefixes: ['10.0.0.0/16', 'fd12:3456:789a::/64'], domain: 'pcloud' },
  interface: { name: 'pcloud0', port: 51_820 },
  coordinator: { connected: true, url: 'https://192.0.2.10:8443', problem: null },
  pending: null,
  key: null,
  conflict: null,
  resolver: null,
  peers: [PEER],
};

test('a status for people says who, where and how', () => {
  assert.is(
    formatMesh(STATUS, 80),
    `laptop  10.0.0.2  fd12:3456:789a::2
network 10.0.0.0/16, fd12:3456:789a::/64, names end in .pcloud
Up.
Coordinator: connected to https://192.0.2.10:8443.

NODE     ADDRESS   ONLINE  PATH    LATENCY  RECEIVED  SENT
server1  10.0.0.1  yes     direct  1.3 ms   1.43 MiB  2.93 KiB
`,
  );
});

test('a key that expires within 14 days is said, and one that has expired', () => {
  const day = 86_400_000;
  const lineOf = (key: MeshStatus['key']): string => formatMesh({ ...STATUS, key }, 100).split('\n')[4]!;
  assert.is(lineOf({ isExpired: false, expiresInMs: null }), '');
  assert.is(lineOf({ isExpired: false, expiresInMs: 14 * day + 1 }), '');
  assert.is(
    lineOf({ isExpired: false, expiresInMs: 14 * day }),
    'The key of this device expires in 14 days: "pcloud login" has it renewed.',
  );
  assert.match(lineOf({ isExpired: false, expiresInMs: 1.5 * day }), 'expires in 1 day:');
  assert.match(lineOf({ isExpired: false, expiresInMs: 5_400_000 }), 'expires in 1 hour:');
  assert.match(lineOf({ isExpired: true, expiresInMs: 0 }), 'has expired: it sees nobody, and nobody sees it.');
});

test('a node that is not reached has its reason below it, in plain words', () => {
  const sentence =
    'No reply: check that the node is on and runs pcloud, and that its UDP port is reachable through firewalls.';
  const lost = { ...PEER, path: 'none', latencyMs: null, reason: 'no-reply', sentence } as const;
  const lines = formatMesh({ ...STATUS, peers: [lost] }, 80).split('\n');
  assert.match(lines.at(-4)!, /^server1 +10\.0\.0\.1 +yes +none +- /);
  assert.is(lines.at(-3), '    No reply: check that the node is on and runs pcloud, and that its UDP port');
  assert.is(lines.at(-2), '    is reachable through firewalls.');
});

test('it fits 80 columns whatever names and addresses are', () => {
  const peers = [
    { ...PEER, name: 'n'.repeat(63), addresses: ['fd12:3456:789a:bcde:1234:5678:9abc:def0'] },
    { ...PEER, name: 'short', rxBytes: 2 ** 50, txBytes: 2 ** 50, latencyMs: 12_345.6 },
  ];
  const conflict = {
    network: '10.0.0.0/16',
    overlaps: ['10.0.0.0/24'],
    unreachable: ['10.0.0.1'],
    sentence: `the network 10.0.0.0/16 overlaps 10.0.0.0/24 of this machine, which goes first; 10.0.0.1 can be reached by IPv6 alone`,
  };
  const coordinator = { connected: false, url: null, problem: { code: 'CLOSED', message: 'ECONNREFUSED '.repeat(12) } };
  const text = formatMesh({ ...STATUS, peers, conflict, coordinator }, 80);
  for (const line of text.split('\n')) assert.ok(line.length <= 80, line);
  assert.match(text, /^n{10,}… /m);
  assert.match(text, /^short /m);
});

test('a device of no network is told how to get into one', () => {
  const none: MeshStatus = { ...STATUS, state: 'none', self: null, network: null, interface: null, peers: [] };
  const text = formatMesh(none, 80);
  assert.match(text, 'This device belongs to no network.');
  assert.match(text, 'pcloud up LINK');
  assert.not.match(text, 'Coordinator');
});

test('a device that waits for approval shows its code', () => {
  const pending = { code: 'ABCD-EFGH', url: 'https://192.0.2.10:8443/approve' };
  const text = formatMesh({ ...STATUS, state: 'joining', self: null, network: null, peers: [], pending }, 80);
  assert.match(text, /ABCD-EFGH/);
});

test('status prints what the daemon says, whole, as JSON', () =>
  withRig(async (rig) => {
    await rig.serve('daemon.sock', () => STATUS);
    const { code, out } = await rig.run('status --json');
    assert.is(code, 0);
    assert.equal(JSON.parse(out), STATUS);
    assert.is(out.trimEnd().split('\n').length, 1);
    assert.match((await rig.run('status')).out, /^laptop {2}10\.0\.0\.2/);
  }));

test('ip prints addresses of this device, of one family if asked', () =>
  withRig(async (rig) => {
    await rig.serve('daemon.sock', () => STATUS);
    assert.is((await rig.run('ip')).out, '10.0.0.2\nfd12:3456:789a::2\n');
    assert.is((await rig.run('ip -4')).out, '10.0.0.2\n');
    assert.is((await rig.run('ip -6')).out, 'fd12:3456:789a::2\n');
    assert.equal(JSON.parse((await rig.run('ip -4 --json')).out), { name: 'laptop', addresses: ['10.0.0.2'] });
  }));

test.run();
