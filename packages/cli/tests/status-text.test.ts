import type { TunnelStatus } from '@pcloud/daemon';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { formatStatus } from '../src/status-text.ts';

const NOW = Date.parse('2026-01-02T00:00:00Z');

const STATUS: TunnelStatus = {
  interface: 'wg0',
  version: '0.1.0',
  publicKey: 'cHVibGlj',
  listenPort: 51_820,
  fwmark: 0x1234,
  isUp: true,
  mtu: 1_420,
  crypto: 'noble',
  dataPlane: 'portable',
  bind: 'dgram',
  features: { tso: true },
  counters: { 'no-route-dropped': 3 },
  systemCounters: { sendFailed: 1 },
  faults: { tun: 0, network: 0, timer: 0, change: 0, output: 0 },
  peers: [
    {
      publicKey: 'cGVlcg',
      reason: 'connected',
      sentence: 'Connected.',
      endpoint: '192.0.2.1:51820',
      allowedIps: ['10.0.0.2/32', 'fd00::2/128'],
      lastHandshake: '2026-01-01T22:58:57.000Z',
      rxBytes: 1_572_864,
      txBytes: 12,
      persistentKeepaliveSeconds: 0,
    },
    {
      publicKey: 'b3RoZXI',
      reason: 'no-endpoint',
      sentence: 'No endpoint.',
      endpoint: null,
      allowedIps: [],
      lastHandshake: null,
      rxBytes: 0,
      txBytes: 0,
      persistentKeepaliveSeconds: 25,
    },
  ],
};

test('status is laid out as wg show is, with a sentence for each peer', () => {
  assert.is(
    formatStatus(STATUS, NOW),
    `interface: wg0 (up)
  public key: cHVibGlj
  listening port: 51820
  MTU: 1420
  crypto: noble
  packets: portable, sockets: dgram
  fwmark: 0x1234
  features: tso true
  counters: no-route-dropped 3, sendFailed 1

peer: cGVlcg
  Connected.
  endpoint: 192.0.2.1:51820
  allowed ips: 10.0.0.2/32, fd00::2/128
  latest handshake: 1 hour, 1 minute, 3 seconds ago
  transfer: 1.50 MiB received, 12 B sent

peer: b3RoZXI
  No endpoint.
  endpoint: (none)
  allowed ips: (none)
  latest handshake: never
  transfer: 0 B received, 0 B sent
`,
  );
});

test('an interface without key, port or peers has no line too many', () => {
  const bare = {
    ...STATUS,
    publicKey: null,
    listenPort: 0,
    fwmark: 0,
    isUp: false,
    features: {},
    counters: {},
    systemCounters: {},
    peers: [],
  };
  assert.is(
    formatStatus(bare, NOW),
    `interface: wg0 (down)
  public key: (none)
  listening port: (none)
  MTU: 1420
  crypto: noble
  packets: portable, sockets: dgram
`,
  );
});

test.run();
