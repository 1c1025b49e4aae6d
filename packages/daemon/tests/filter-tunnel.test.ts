import { createNobleCrypto } from '@pcloud/wireguard';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createPacketFilter, type FilterNode, type PacketFilter } from '../src/filter/index.ts';
import { silentLogger } from '../src/log.ts';
import { createFakeClock } from '../src/testing/fake-clock.ts';
import { createMemoryNetwork, type MemoryNetwork } from '../src/testing/memory-bind.ts';
import { createMemoryHands, type MemoryHands } from '../src/testing/memory-hands.ts';
import { createTunnel, type Tunnel } from '../src/tunnel.ts';
import { SYN, tcp, udp } from './filter-packets.ts';
import { anyone } from './filter-rig.ts';

interface Side {
  readonly tunnel: Tunnel;
  readonly hands: MemoryHands;
  readonly filter: PacketFilter | undefined;
}

interface Pair {
  readonly network: MemoryNetwork;
  /** 10.0.0.1, with a filter. */
  readonly a: Side & { readonly filter: PacketFilter };
  /** 10.0.0.2, without. */
  readonly b: Side;
  /** The slot under which the filter knows of b. */
  readonly slot: number;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const key = (index: number): Uint8Array =>
  new Uint8Array(32)
    .fill(index, 1, 31)
    .fill(8 * index, 0, 1)
    .fill(64, 31);
const publicKey = (index: number): Uint8Array => createNobleCrypto().publicKey(key(index));
const other: FilterNode = { id: 'n-b', user: 'bob', tags: [], role: 'client', addresses: ['10.0.0.2'] };
const self = { addresses: ['10.0.0.1'], forwards: [] };

async function createPair(): Promise<Pair> {
  const clock = createFakeClock();
  const network = createMemoryNetwork();
  const filter = createPacketFilter({ now: clock.now() - 600_000, seed: 1 });
  const [a, b] = await Promise.all(
    [filter, undefined].map(async (one, place) => {
      const index = place + 1;
      const hands = createMemoryHands(network.createBind(`192.0.2.${index}`), clock, `mem${index}`);
      const tunnel = createTunnel({
        hands,
        stamps: { load: () => undefined, save: () => {} },
        readNames: async () => new Map(),
        resolve: async () => [],
        log: silentLogger,
        version: '0',
        handleGone: () => {},
        ...(one && { filter: one }),
      });
      const lines = [
        'set=1',
        `private_key=${hex(key(index))}`,
        'listen_port=51820',
        `public_key=${hex(publicKey(3 - index))}`,
        `endpoint=192.0.2.${3 - index}:51820`,
        `allowed_ip=10.0.0.${3 - index}/32`,
      ];
      const session = tunnel.uapi.connect(() => {});
      await session.receive(new TextEncoder().encode(`${lines.join('\n')}\n\n`));
      await session.end();
      await tunnel.sockets.setUp(true);
      return { tunnel, hands, filter: one };
    }),
  );
  const slot = a!.tunnel.device.findPeer(publicKey(2))!.endpointSlot;
  return { network, a: { ...a!, filter }, b: b!, slot };
}

test('what no rule lets in is not delivered, and what was asked for is', async () => {
  const { network, a, b, slot } = await createPair();
  a.filter.setRules([anyone(17, 53)], self, [{ peer: slot, node: other }], 0);
  const [wanted, unwanted] = [udp('10.0.0.2:1', '10.0.0.1:53'), udp('10.0.0.2:1', '10.0.0.1:54')];
  for (const packet of [unwanted, wanted, unwanted]) b.hands.tun.push(packet);
  network.settle();
  assert.equal(a.hands.tun.delivered, [wanted]);
  assert.is(a.filter.counters['policy-dropped'], 2);

  const asked = udp('10.0.0.1:4000', '10.0.0.2:9');
  const answer = udp('10.0.0.2:9', '10.0.0.1:4000');
  a.hands.tun.push(asked);
  network.settle();
  b.hands.tun.push(answer);
  network.settle();
  assert.equal(b.hands.tun.delivered, [asked]);
  assert.equal(a.hands.tun.delivered, [wanted, answer]);
});

test('a packet that waited for its session opens the way for its answer when it leaves', async () => {
  const { network, a, b, slot } = await createPair();
  a.filter.setRules([], self, [{ peer: slot, node: other }], 0);
  a.hands.tun.push(tcp('10.0.0.1:4000', '10.0.0.2:80', SYN));
  assert.is(a.filter.flows, 0);
  network.settle();
  assert.is(a.filter.flows, 1);
  assert.is(b.hands.tun.delivered.length, 1);
});

test('what is not ours does not leave, also when it waited', async () => {
  const { network, a, b, slot } = await createPair();
  a.filter.setRules([], self, [{ peer: slot, node: other }], 0);
  a.hands.tun.push(udp('172.17.0.2:1', '10.0.0.2:53'));
  network.settle();
  a.hands.tun.push(udp('172.17.0.2:1', '10.0.0.2:53'));
  network.settle();
  assert.equal(b.hands.tun.delivered, []);
  assert.is(a.filter.counters['source-dropped'], 2);
  assert.is(a.tunnel.device.findPeer(publicKey(2))!.reason, 'connected');
});

test('before the first rules nobody’s packet passes a filter, and the session lives', async () => {
  const { network, a, b } = await createPair();
  b.hands.tun.push(udp('10.0.0.2:1', '10.0.0.1:53'));
  network.settle();
  assert.equal(a.hands.tun.delivered, []);
  assert.is(a.filter.counters['unknown-peer-dropped'], 1);
  assert.is(b.tunnel.device.findPeer(publicKey(1))!.reason, 'connected');
  assert.is(a.tunnel.driver.faults.network, 0);
});

test.run();
