import { createNobleCrypto } from '@pcloud/wireguard';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { NamedEndpoint } from '../src/endpoint-config.ts';
import { type Logger, silentLogger } from '../src/log.ts';
import { createFakeClock, type FakeClock } from '../src/testing/fake-clock.ts';
import { createMemoryNetwork, type MemoryNetwork } from '../src/testing/memory-bind.ts';
import { createMemoryHands, type MemoryHands } from '../src/testing/memory-hands.ts';
import { createTunnel, type Tunnel } from '../src/tunnel.ts';

interface Side {
  readonly tunnel: Tunnel;
  readonly hands: MemoryHands;
  readonly stamps: Map<string, Uint8Array>;
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly gone: string[];
  /** What a connection to the configuration socket answers. */
  ask(text: string): Promise<string>;
}

interface Pair {
  readonly clock: FakeClock;
  readonly network: MemoryNetwork;
  readonly a: Side;
  readonly b: Side;
}

function createSide(
  network: MemoryNetwork,
  clock: FakeClock,
  index: number,
  names: () => ReadonlyMap<string, NamedEndpoint> = () => new Map(),
  log: Logger = silentLogger,
): Side {
  const privateKey = new Uint8Array(32).fill(index);
  privateKey[0] = 8 * index;
  privateKey[31] = 64;
  const hands = createMemoryHands(network.createBind(`192.0.2.${index}`), clock, `mem${index}`);
  const stamps = new Map<string, Uint8Array>();
  const gone: string[] = [];
  const tunnel = createTunnel({
    hands,
    stamps: {
      load: (key) => stamps.get(key.join()),
      save: (key, stamp) => void stamps.set(key.join(), stamp.slice()),
    },
    readNames: async () => names(),
    resolve: async () => ['192.0.2.2'],
    log,
    version: '0',
    handleGone: (why) => void gone.push(why),
  });
  return {
    tunnel,
    hands,
    stamps,
    privateKey,
    publicKey: createNobleCrypto().publicKey(privateKey),
    gone,
    async ask(text) {
      let answer = '';
      const session = tunnel.uapi.connect((reply) => {
        answer += reply;
      });
      await session.receive(new TextEncoder().encode(text));
      await session.end();
      return answer;
    },
  };
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

async function createPair(): Promise<Pair> {
  const clock = createFakeClock();
  const network = createMemoryNetwork();
  const a = createSide(network, clock, 1);
  const b = createSide(network, clock, 2);
  for (const [self, other, index] of [
    [a, b, 2],
    [b, a, 1],
  ] as const) {
    const lines = [
      'set=1',
      `private_key=${hex(self.privateKey)}`,
      'listen_port=51820',
      `public_key=${hex(other.publicKey)}`,
      `endpoint=192.0.2.${index}:51820`,
      `allowed_ip=10.0.0.${index}/32`,
    ];
    assert.is(await self.ask(`${lines.join('\n')}\n\n`), 'errno=0\n\n');
    await self.tunnel.sockets.setUp(true);
  }
  return { clock, network, a, b };
}

function createPacket(from: number, to: number, length = 84): Uint8Array {
  const packet = new Uint8Array(length);
  packet.set([0x45, 0, length >> 8, length & 0xff, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, from, 10, 0, 0, to]);
  for (let i = 20; i < length; i++) packet[i] = i;
  return packet;
}

test('a packet makes a session and arrives as it was', async () => {
  const { network, a, b } = await createPair();
  const packet = createPacket(1, 2);
  a.hands.tun.push(packet);
  network.settle();
  assert.equal(b.hands.tun.delivered, [packet]);
  const back = createPacket(2, 1, 1_420);
  b.hands.tun.push(back);
  network.settle();
  assert.equal(a.hands.tun.delivered, [back]);
  assert.is(a.tunnel.driver.faults.network + b.tunnel.driver.faults.network, 0);
});

test('status says who is connected, without any secret', async () => {
  const { network, a, b } = await createPair();
  a.hands.tun.push(createPacket(1, 2));
  network.settle();
  const status = a.tunnel.describe();
  assert.is(status.interface, 'mem1');
  assert.is(status.isUp, true);
  assert.is(status.listenPort, 51_820);
  assert.is(status.publicKey, Buffer.from(a.publicKey).toString('base64'));
  const [peer] = status.peers;
  assert.is(peer!.reason, 'connected');
  assert.is(peer!.endpoint, '192.0.2.2:51820');
  assert.equal(peer!.allowedIps, ['10.0.0.2/32']);
  assert.ok(peer!.txBytes > 148);
  const text = JSON.stringify(status);
  assert.not.match(text, Buffer.from(a.privateKey).toString('base64'));
  assert.not.match(text, hex(a.privateKey));
  b.tunnel.close();
});

test('a peer in silence is looked for under its name', async () => {
  const clock = createFakeClock();
  const network = createMemoryNetwork();
  const b = createSide(network, clock, 2);
  const key = Buffer.from(b.publicKey).toString('base64');
  const a = createSide(network, clock, 1, () => new Map([[key, { host: 'b.example', port: 51_820 }]]));
  await a.ask(
    `set=1\nprivate_key=${hex(a.privateKey)}\npublic_key=${hex(b.publicKey)}\nendpoint=192.0.2.77:51820\nallowed_ip=10.0.0.2/32\n\n`,
  );
  await b.ask(
    `set=1\nprivate_key=${hex(b.privateKey)}\nlisten_port=51820\npublic_key=${hex(a.publicKey)}\nallowed_ip=10.0.0.1/32\n\n`,
  );
  await a.tunnel.sockets.setUp(true);
  await b.tunnel.sockets.setUp(true);
  a.hands.tun.push(createPacket(1, 2));
  for (let i = 0; i < 4; i++) {
    network.settle();
    clock.advance(5_400);
    await new Promise((resolve) => setImmediate(resolve));
  }
  network.settle();
  assert.is(b.hands.tun.delivered.length, 1);
  assert.is(a.tunnel.describe().peers[0]!.endpoint, '192.0.2.2:51820');
});

test('reserved stamps are kept, and known again by the next process with the same key', async () => {
  const { network, a } = await createPair();
  a.hands.tun.push(createPacket(1, 2));
  network.settle();
  const kept = a.stamps.get(a.publicKey.join());
  assert.is(kept?.length, 12);
  const clock = createFakeClock(1_000, 0);
  const later = createMemoryNetwork();
  const again = createSide(later, clock, 1);
  again.stamps.set(a.publicKey.join(), kept!);
  await again.ask(
    `set=1\nprivate_key=${hex(a.privateKey)}\nlisten_port=1\npublic_key=${hex(new Uint8Array(32).fill(9))}\nendpoint=192.0.2.2:51820\nallowed_ip=10.0.0.2/32\n\n`,
  );
  await again.tunnel.sockets.setUp(true);
  again.hands.tun.push(createPacket(1, 2));
  const next = again.stamps.get(a.publicKey.join())!;
  assert.ok(Buffer.compare(next, kept!) > 0, 'a clock at 1970 goes on from the stamp that was reserved');
});

test('a clean end keeps the stamp used last, so that the next start is not ahead of the clock', async () => {
  const { clock, network, a } = await createPair();
  a.hands.tun.push(createPacket(1, 2));
  network.settle();
  const name = a.publicKey.join();
  const reserved = a.stamps.get(name)!;
  const seconds = (stamp: Uint8Array): number => new DataView(stamp.buffer, stamp.byteOffset).getUint32(4) - 10;
  const wall = Math.floor(clock.wallMs() / 1_000);
  assert.is(seconds(reserved), wall + 600, 'what a killed process starts behind');
  a.tunnel.close();
  assert.is(seconds(a.stamps.get(name)!), wall);
});

test('stamps far ahead of the clock are warned of once, and counted in the status', async () => {
  const { a } = await createPair();
  const warnings: string[] = [];
  const log: Logger = { ...silentLogger, warn: (_fields, event) => void warnings.push(event) };
  const clock = createFakeClock();
  const again = createSide(createMemoryNetwork(), clock, 1, undefined, log);
  again.stamps.set(a.publicKey.join(), Uint8Array.of(0x40, 0, 0, 0, 0x70, 0, 0, 0, 0, 0, 0, 0));
  const lines = [`private_key=${hex(a.privateKey)}`, `public_key=${'09'.repeat(32)}`, 'endpoint=192.0.2.2:1'];
  await again.ask(`set=1\n${lines.join('\n')}\nallowed_ip=10.0.0.2/32\n\n`);
  await again.tunnel.sockets.setUp(true);
  again.hands.tun.push(createPacket(1, 2));
  clock.advance(6_000);
  assert.is(again.tunnel.describe().counters['stamps-ahead'], 2);
  assert.is(warnings.length, 1);
  assert.match(warnings[0]!, 'ahead of the clock');
});

test('an end without a handshake leaves what an earlier run has kept', async () => {
  const { a } = await createPair();
  const kept = Uint8Array.of(0x40, 0, 0, 0, 0x70, 0, 0, 0, 0, 0, 0, 0);
  const again = createSide(createMemoryNetwork(), createFakeClock(), 1);
  again.stamps.set(a.publicKey.join(), kept);
  await again.ask(`set=1\nprivate_key=${hex(a.privateKey)}\n\n`);
  again.tunnel.close();
  assert.equal(again.stamps.get(a.publicKey.join()), kept);
});

test('a key that comes later has the stamps kept too that were reserved under the first', async () => {
  const { network, a } = await createPair();
  a.hands.tun.push(createPacket(1, 2));
  network.settle();
  const next = new Uint8Array(32).fill(5);
  await a.ask(`set=1\nprivate_key=${hex(next)}\n\n`);
  const publicKey = createNobleCrypto().publicKey(next);
  assert.equal(a.stamps.get(publicKey.join()), a.stamps.get(a.publicKey.join()));
  assert.is(a.stamps.get(publicKey.join())?.length, 12);
});

test('a kept stamp that is none does not keep a key from being set, and is replaced', async () => {
  const a = createSide(createMemoryNetwork(), createFakeClock(), 1);
  const name = a.publicKey.join();
  a.stamps.set(name, new Uint8Array(12));
  const lines = [`private_key=${hex(a.privateKey)}`, `public_key=${'09'.repeat(32)}`, 'endpoint=192.0.2.2:1'];
  assert.is(await a.ask(`set=1\n${lines.join('\n')}\nallowed_ip=10.0.0.2/32\n\n`), 'errno=0\n\n');
  await a.tunnel.sockets.setUp(true);
  a.hands.tun.push(createPacket(1, 2));
  assert.is(a.stamps.get(name)?.[0], 0x40);
});

test('the interface down closes the sockets, and up again listens on the same port', async () => {
  const { network, a, b } = await createPair();
  await a.ask('set=1\nlisten_port=7000\n\n');
  assert.is(a.hands.bind.endpoint, '192.0.2.1:7000');
  await a.tunnel.sockets.setUp(false);
  assert.not(a.hands.bind.isOpen);
  assert.match(await a.ask('get=1\n\n'), 'listen_port=7000\n');
  await a.tunnel.sockets.setUp(true);
  assert.is(a.hands.bind.endpoint, '192.0.2.1:7000');
  a.hands.tun.push(createPacket(1, 2));
  network.settle();
  assert.is(b.hands.tun.delivered.length, 1);
});

test('a port that cannot be had is refused, and the one there is stays', async () => {
  const { network, a, b } = await createPair();
  const { open } = a.hands.bind;
  a.hands.bind.open = (port, mark) =>
    port === 666 ? Promise.reject(Object.assign(new Error('in use'), { code: 'EADDRINUSE' })) : open(port, mark);
  assert.is(await a.ask('set=1\nlisten_port=666\n\n'), 'errno=-98\n\n');
  assert.match(await a.ask('get=1\n\n'), 'listen_port=51820\n');
  a.hands.tun.push(createPacket(1, 2));
  network.settle();
  assert.is(b.hands.tun.delivered.length, 1);
});

test('sockets that cannot be opened leave the device down until another port is set', async () => {
  const { a } = await createPair();
  await a.tunnel.sockets.setUp(false);
  const { open } = a.hands.bind;
  a.hands.bind.open = (port, mark) =>
    port === 51_820 ? Promise.reject(Object.assign(new Error('in use'), { code: 'EADDRINUSE' })) : open(port, mark);
  await a.tunnel.sockets.setUp(true);
  assert.not(a.tunnel.device.isUp);
  assert.is(await a.ask('set=1\nlisten_port=7000\n\n'), 'errno=0\n\n');
  assert.ok(a.tunnel.device.isUp);
});

test('a mark is set on the sockets and shown', async () => {
  const { a } = await createPair();
  assert.is(await a.ask('set=1\nfwmark=51820\n\n'), 'errno=0\n\n');
  assert.is(a.hands.bind.mark, 51_820);
  assert.match(await a.ask('get=1\n\n'), 'fwmark=51820\n');
});

test('after a sleep the session is made anew at once', async () => {
  const { clock, network, a, b } = await createPair();
  a.hands.tun.push(createPacket(1, 2));
  network.settle();
  const before = a.hands.bind.sent.length;
  clock.sleep(3_600_000);
  const [first] = a.hands.bind.sent.slice(before);
  assert.is(first?.datagram[0], 1, 'an initiation');
  network.settle();
  a.hands.tun.push(createPacket(1, 2));
  network.settle();
  assert.is(b.hands.tun.delivered.length, 2);
});

test('an interface that goes away is told of', async () => {
  const { a } = await createPair();
  a.hands.tun.vanish();
  assert.is(a.gone.length, 1);
});

test('a closed tunnel does nothing more', async () => {
  const { clock, network, a } = await createPair();
  a.hands.tun.push(createPacket(1, 2));
  a.tunnel.close();
  const sent = a.hands.bind.sent.length;
  network.settle();
  clock.advance(600_000);
  assert.is(a.hands.bind.sent.length, sent);
  a.tunnel.close();
});

test.run();
