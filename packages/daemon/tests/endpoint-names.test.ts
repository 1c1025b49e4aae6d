import { formatEndpoint, parseEndpoint } from '@pcloud/ip';
import type { Peer, PeerReason } from '@pcloud/wireguard';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseEndpointNames } from '../src/endpoint-config.ts';
import { createEndpointNames, type EndpointNames } from '../src/endpoint-names.ts';
import { silentLogger } from '../src/log.ts';
import { createFakeClock, type FakeClock } from '../src/testing/fake-clock.ts';

const KEY = Buffer.alloc(32, 3).toString('base64');

interface FakePeer {
  publicKey: Uint8Array;
  lastHandshakeWallMs: number;
  keepaliveIntervalSeconds: number;
  reason: PeerReason;
  copyEndpoint(): Int32Array | undefined;
}

interface Rig {
  readonly names: EndpointNames;
  readonly clock: FakeClock;
  readonly peer: FakePeer;
  endpoint: string;
  /** What the name has now; undefined: it does not resolve. */
  addresses: string[] | undefined;
  readonly lookups: string[];
  retry(): Promise<string>;
}

function createRig(endpoint: string): Rig {
  const clock = createFakeClock();
  const peer: FakePeer = {
    publicKey: new Uint8Array(32).fill(3),
    lastHandshakeWallMs: 0,
    keepaliveIntervalSeconds: 0,
    reason: 'no-reply',
    copyEndpoint: () => (rig.endpoint === '' ? undefined : parseEndpoint(rig.endpoint)),
  };
  const rig: Rig = {
    clock,
    peer,
    endpoint,
    addresses: undefined,
    lookups: [],
    names: createEndpointNames({
      readNames: async () => new Map([[KEY, { host: 'home.example', port: 51_820 }]]),
      async resolve(host) {
        rig.lookups.push(host);
        if (!rig.addresses) throw new Error('no such host');
        return rig.addresses;
      },
      setEndpoint: (_peer, record) => {
        rig.endpoint = formatEndpoint(record);
      },
      clock,
      log: silentLogger,
    }),
    async retry() {
      rig.names.handleRetry(peer as unknown as Peer);
      await new Promise((resolve) => setImmediate(resolve));
      return rig.endpoint;
    },
  };
  return rig;
}

test('a peer that does not answer is looked for where its name points now', async () => {
  const rig = createRig('192.0.2.1:51820');
  rig.addresses = ['192.0.2.9'];
  assert.is(await rig.retry(), '192.0.2.9:51820');
});

test('A and AAAA are tried in turn on successive failures', async () => {
  const rig = createRig('192.0.2.1:51820');
  rig.addresses = ['2001:db8::1', '192.0.2.1'];
  assert.is(await rig.retry(), '[2001:db8::1]:51820');
  rig.clock.advance(5_000);
  assert.is(await rig.retry(), '192.0.2.1:51820');
  rig.clock.advance(1_000);
  assert.is(await rig.retry(), '[2001:db8::1]:51820');
});

test('a peer that roamed and works is left where it is', async () => {
  const rig = createRig('198.51.100.7:4000');
  rig.addresses = ['192.0.2.9'];
  rig.peer.lastHandshakeWallMs = rig.clock.wallMs() - 60_000;
  assert.is(await rig.retry(), '198.51.100.7:4000');
  assert.equal(rig.lookups, []);
  rig.clock.advance(76_000);
  assert.is(await rig.retry(), '192.0.2.9:51820');
});

test('a clock that was put back after a handshake does not keep a name from being looked up', async () => {
  const rig = createRig('192.0.2.1:51820');
  rig.addresses = ['192.0.2.9'];
  rig.peer.lastHandshakeWallMs = rig.clock.wallMs() + 86_400_000;
  assert.is(await rig.retry(), '192.0.2.9:51820');
});

test('a handshake that comes in while the name is resolved wins', async () => {
  const rig = createRig('198.51.100.7:4000');
  rig.addresses = ['192.0.2.9'];
  rig.names.handleRetry(rig.peer as unknown as Peer);
  rig.peer.lastHandshakeWallMs = rig.clock.wallMs();
  await new Promise((resolve) => setImmediate(resolve));
  assert.is(rig.endpoint, '198.51.100.7:4000');
});

test('lookups that change nothing come less and less often', async () => {
  const rig = createRig('192.0.2.1:51820');
  rig.addresses = ['192.0.2.1'];
  for (let seconds = 0; seconds < 120; seconds += 5) {
    await rig.retry();
    rig.clock.advance(5_000);
  }
  assert.is(rig.lookups.length, 5);
});

test('a name that does not resolve leaves the endpoint', async () => {
  const rig = createRig('192.0.2.1:51820');
  assert.is(await rig.retry(), '192.0.2.1:51820');
});

test('a peer without an endpoint, and one without a name, are not looked up', async () => {
  const rig = createRig('');
  rig.addresses = ['192.0.2.9'];
  await rig.retry();
  assert.equal(rig.lookups, []);
  rig.endpoint = '192.0.2.1:51820';
  rig.peer.publicKey = new Uint8Array(32).fill(4);
  assert.is(await rig.retry(), '192.0.2.1:51820');
  assert.equal(rig.lookups, []);
});

test('a check finds who should have talked, and only those', async () => {
  const rig = createRig('192.0.2.1:51820');
  rig.addresses = ['192.0.2.9'];
  rig.peer.reason = 'idle';
  rig.names.check([rig.peer as unknown as Peer]);
  await new Promise((resolve) => setImmediate(resolve));
  assert.is(rig.endpoint, '192.0.2.1:51820');
  rig.peer.keepaliveIntervalSeconds = 25;
  rig.names.check([rig.peer as unknown as Peer]);
  await new Promise((resolve) => setImmediate(resolve));
  assert.is(rig.endpoint, '192.0.2.9:51820');
});

test('an answer that comes after the end changes nothing', async () => {
  const rig = createRig('192.0.2.1:51820');
  rig.addresses = ['192.0.2.9'];
  rig.names.handleRetry(rig.peer as unknown as Peer);
  rig.names.stop();
  await new Promise((resolve) => setImmediate(resolve));
  assert.is(rig.endpoint, '192.0.2.1:51820');
});

test('names of a configuration are found by the keys of their peers', () => {
  const names = parseEndpointNames(`[Interface]
PrivateKey = not looked at
# Endpoint = commented.example:1
[Peer]
PublicKey = aaa=   # the office
Endpoint = office.example:51820
[peer]
endpoint=home.example:1
publickey=bbb=
[Peer]
PublicKey = ccc=
Endpoint = 192.0.2.1:51820
[Peer]
PublicKey = ddd=
Endpoint = [2001:db8::1]:51820
[Peer]
PublicKey = eee=
Endpoint = far.example:70000
[Peer]
Endpoint = nobody.example:1
`);
  assert.equal(
    [...names],
    [
      ['aaa=', { host: 'office.example', port: 51_820 }],
      ['bbb=', { host: 'home.example', port: 1 }],
    ],
  );
});

test.run();
