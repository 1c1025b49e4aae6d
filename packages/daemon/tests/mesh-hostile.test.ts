/** A coordinator that was taken over says what it likes: the device stays what it was. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAddress } from '@pcloud/ip';
import { diffMaps, type MapNode, type NetworkMap, type ServerMessage, writeMapMessage } from '@pcloud/netmap';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createLineLogger } from '../src/log.ts';
import type { MeshDaemon } from '../src/mesh/start.ts';
import { createFakeClock, type FakeClock } from '../src/testing/fake-clock.ts';
import {
  admitWith,
  createFakeControl,
  createMap,
  createNode,
  type FakeControl,
  type FakeSession,
  settle,
} from '../src/testing/fake-control.ts';
import { createMeshRig, type MeshRig } from '../src/testing/mesh-rig.ts';

interface Scene {
  readonly clock: FakeClock;
  readonly control: FakeControl;
  readonly rig: MeshRig;
  readonly daemon: MeshDaemon;
  /** What the node took for good, at first. */
  readonly map: NetworkMap;
  readonly lines: string[];
  session(): FakeSession;
  /** Sends, and lets it be taken. */
  send(...messages: readonly unknown[]): Promise<void>;
  /** The map with other things in it, one revision on. */
  changed(change: Partial<NetworkMap['network']>, nodes?: readonly MapNode[], self?: Partial<MapNode>): NetworkMap;
}

const KEY = new Uint8Array(32).fill(9);
const TAKEN = ['0.0.0.0/0', '::/0', '128.0.0.0/1', '8.0.0.0/8', '2000::/3', 'fd00::/8', '10.0.0.0/7', '192.0.2.0/24'];

async function withScene(act: (scene: Scene) => Promise<void>): Promise<void> {
  const clock = createFakeClock();
  const control = createFakeControl();
  const lines: string[] = [];
  const log = createLineLogger('pcloud', 'verbose', (line) => void lines.push(line));
  const rig = createMeshRig({ clock, control, log });
  let map: NetworkMap | undefined;
  admitWith(control, (nodeKey) => {
    map ??= createMap(control, [createNode(1, nodeKey), createNode(2, KEY)]);
    return map;
  });
  try {
    const daemon = await rig.start();
    await daemon.join(control.target('secret'));
    await settle();
    const session = (): FakeSession => control.sessions.at(-1)!;
    await act({
      clock,
      control,
      rig,
      daemon,
      map: map!,
      lines,
      session,
      async send(...messages) {
        for (const message of messages) session().send(message as ServerMessage);
        await settle();
      },
      changed: (change, nodes = [...map!.nodes.values()], self = {}) => {
        const next = createMap(control, [{ ...map!.self, ...self }, ...nodes], { revision: map!.revision + 1 });
        return { ...next, network: { ...next.network, ...change } };
      },
    });
  } finally {
    await rig.clean();
  }
}

/** An IPv4 packet of this node, as far as anybody looks at it here. */
function createPacket(to: string): Uint8Array {
  const packet = new Uint8Array(28);
  packet.set([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17]);
  packet.set(parseAddress('10.0.0.1')!, 12);
  packet.set(parseAddress(to)!, 16);
  return packet;
}

/** Everything of the machine and the tunnel that a map can change. */
function picture({ rig, daemon }: Scene): unknown {
  const { self, network, peers } = daemon.status();
  const { addresses, routes } = rig.machine;
  return { addresses: addresses(), routes: routes(), self, network, peers: peers.map((peer) => peer.addresses) };
}

/** That none of it reaches a terminal or a log as anything but signs of one line. */
function assertPlain(scene: Scene, why: string): void {
  const unprinted = /[^\n\P{Cc}]|\p{Zl}|\p{Zp}|\p{Bidi_Control}/u;
  for (const line of scene.lines) {
    assert.not.match(line, unprinted, why);
    assert.is(line.split('\n').length, 2, `${why}: one line a line`);
  }
  const texts: string[] = [];
  JSON.stringify(scene.daemon.status(), (_key, value) => {
    if (typeof value === 'string') texts.push(value);
    return value;
  });
  for (const text of texts) assert.not.match(text, /\p{Cc}|\p{Zl}|\p{Zp}|\p{Bidi_Control}/u, why);
}

test('class 21: a range of the world outside is refused, whole or as a change, and nothing else changes', () =>
  withScene(async (scene) => {
    const before = picture(scene);
    for (const prefix of TAKEN) {
      const isIpv6 = prefix.includes(':');
      const own = scene.map.network.prefixes;
      const prefixes = isIpv6 ? [own[0]!, prefix] : [prefix, own[1]!];
      const address = isIpv6 ? '2001:db8::7' : '8.8.8.8';
      const next = scene.changed({ prefixes }, [createNode(2, KEY, { addresses: ['10.0.0.2', address] })]);
      const used = scene.session();
      await scene.send({ kind: 'delta', ...diffMaps(scene.map, next)! });
      assert.is(used.received.at(-1)?.kind, 'resync', prefix);
      await scene.send(writeMapMessage(next));
      assert.is(used.isOpen, false, `${prefix}: the channel is given up`);
      assert.match(scene.lines.join(''), 'a map of the coordinator is refused');
      assert.equal(picture(scene), before, prefix);
      scene.clock.advance(60_000);
      await settle();
      assert.is(scene.daemon.status().coordinator.connected, true, `${prefix}: another try`);
    }
    await scene.daemon.close({ keepInterface: true });
    const again = await scene.rig.start();
    assert.equal(again.status().network?.prefixes, scene.map.network.prefixes, 'nor is it on disk');
  }));

test('class 21: nodes get no address outside of the network, and never this one’s', () =>
  withScene(async (scene) => {
    const { daemon, rig, map } = scene;
    const astray = ['0.0.0.0', '8.8.8.8', '127.0.0.1', '192.0.2.1', '::', 'fd00::7', ...map.self.addresses.slice(0, 2)];
    const others = Array.from({ length: 500 }, (_, i) => {
      const nodeKey = Buffer.from(
        new Uint8Array(32)
          .fill(9 + (i % 100))
          .fill(i >> 8, 0, 1)
          .fill(i, 1, 2),
      );
      return createNode(10 + i, nodeKey, { addresses: astray });
    });
    const before = { addresses: rig.machine.addresses(), routes: rig.machine.routes() };
    const lines = scene.lines.length;
    await scene.send(writeMapMessage(scene.changed({}, [createNode(2, KEY), ...others])));
    assert.is(daemon.status().peers.length, 501);
    assert.equal({ addresses: rig.machine.addresses(), routes: rig.machine.routes() }, before);
    assert.ok(scene.lines.length - lines < 20, 'as many lines as there are kinds of it, not as nodes');
    const { bind, tun } = rig.hands();
    const sent = bind.sent.length;
    tun.push(createPacket('8.8.8.8'));
    await settle();
    assert.is(bind.sent.length, sent, 'what is for the internet goes to no node');
    // So that this can fail: a node of the network is tried.
    await scene.send({ kind: 'presence', nodes: [{ id: 'n2', online: true, endpoints: ['198.51.100.4:4000'] }] });
    tun.push(createPacket('10.0.0.2'));
    await settle();
    assert.is(bind.sent.at(-1)?.to, '198.51.100.4:4000');
  }));

test('class 19: names and words with control characters, other lines or turned letters end the channel', () =>
  withScene(async (scene) => {
    const before = picture(scene);
    const bad = [
      'a\nb',
      'a\rb',
      '\u{1b}[2J',
      '\u{9b}31m',
      'a\u{7f}',
      '\u{202e}gpj',
      '\u{2028}x',
      'a b',
      'A',
      '-a',
      '$(id)',
      '`id`',
    ];
    const words = bad.slice(0, 7);
    const map = writeMapMessage(scene.map);
    const [node] = map.nodes;
    const messages: unknown[] = [
      ...bad.map((name) => ({ ...map, nodes: [{ ...node, name }] })),
      ...bad.map((name) => ({ ...map, self: { ...map.self, name } })),
      ...bad.map((domain) => ({ ...map, network: { ...map.network, domain: `${domain}.x` } })),
      ...words.map((user) => ({ ...map, nodes: [{ ...node, user }] })),
      ...bad.slice(0, 8).map((tag) => ({ ...map, nodes: [{ ...node, tags: [tag] }] })),
      ...words.map((message) => ({ kind: 'refused', code: 'TRY_LATER', message })),
      ...words.map((program) => ({ kind: 'welcome', nodeId: 'n1', program })),
      ...words.flatMap((word) => [
        { kind: 'pending', code: word, url: 'https://x', expiresInMs: 1 },
        { kind: 'pending', code: 'x', url: word, expiresInMs: 1 },
        { kind: 'failure', id: 1, code: 'X', message: word },
      ]),
    ];
    for (const message of messages) {
      const used = scene.session();
      await scene.send(message);
      assert.is(used.isOpen, false, JSON.stringify(message).slice(0, 200));
      assert.equal(picture(scene), before);
      scene.clock.advance(60_000);
      await settle();
    }
    assertPlain(scene, 'after all of them');
  }));

test('class 11: more nodes than a network can have end the channel, and the map of before stays', () =>
  withScene(async (scene) => {
    const before = picture(scene);
    const map = writeMapMessage(scene.map);
    const nodes = Array.from({ length: 100_000 }, (_, i) => ({ ...map.nodes[0]!, id: `x${i}`, name: `x${i}` }));
    const used = scene.session();
    await scene.send({ ...map, nodes });
    assert.is(used.isOpen, false);
    assert.equal(picture(scene), before);
  }));

test('class 20: nobody is tried at loopback, multicast, broadcast, the mesh or this very socket', () =>
  withScene(async (scene) => {
    const { rig, map } = scene;
    const { port } = scene.daemon.status().interface!;
    const bad = [
      ...[
        '127.0.0.1:22',
        '[::1]:22',
        '0.0.0.0:1',
        '[::]:1',
        '[::ffff:127.0.0.1]:1',
        '[::7f00:1]:1',
        '127.255.255.254:9',
      ],
      ...['224.0.0.251:5353', '[ff02::1]:1', '255.255.255.255:9', '192.0.2.255:9', '192.0.2.0:9', '169.254.169.254:80'],
      ...['10.0.0.3:51820', `[${map.self.addresses[1]}]:1`, `192.0.2.1:${port}`, '[fe80::1]:1'],
    ];
    const good = '198.51.100.4:4000';
    const sent = rig.hands().bind.sent.length;
    await scene.send({ kind: 'presence', nodes: [{ id: 'n2', online: true, endpoints: [...bad, good] }] });
    for (let i = 0; i < 100; i++) {
      rig.hands().tun.push(createPacket('10.0.0.2'));
      scene.clock.advance(1_000);
      await settle();
    }
    const places = new Set(
      rig
        .hands()
        .bind.sent.slice(sent)
        .map(({ to }) => to),
    );
    assert.equal([...places], [good], bad.join());
  }));

test('class 20: what is said of nodes in no map is forgotten at once, however much of it there is', () =>
  withScene(async (scene) => {
    for (let round = 0; round < 20; round++) {
      const nodes = Array.from({ length: 500 }, (_, i) => ({
        id: `r${round}-${i}`,
        online: true,
        endpoints: [`198.51.100.${i % 250}:${1 + round}`],
      }));
      await scene.send({ kind: 'presence', nodes });
    }
    await scene.send({ kind: 'presence', nodes: [{ id: 'n2', online: true, endpoints: ['198.51.100.4:4000'] }] });
    scene.clock.advance(2_000);
    await settle();
    const saved = readFileSync(join(scene.rig.directory, 'state', 'map.json'), 'utf8');
    assert.match(saved, '"id":"n2","online":true');
    assert.not.match(saved, 'r0-0');
    assert.is(scene.daemon.status().peers[0]!.online, true);
  }));

test('class 19: a machine of any name joins by what a name may hold', async () => {
  const control = createFakeControl();
  const rig = createMeshRig({ clock: createFakeClock(), control });
  admitWith(control, (nodeKey) => createMap(control, [createNode(1, nodeKey)]));
  const daemon = await rig.start({ nodeName: `${'x'.repeat(62)}\u{1b}[31m\n${'y'.repeat(9)}` });
  const outcome = await daemon.join(control.target('secret'));
  assert.is(outcome.kind, 'joined');
  const joined = control.sessions[0]!.received.find((message) => message.kind === 'join');
  assert.is(joined?.kind === 'join' && joined.name, `${'x'.repeat(62)}\u{fffd}`);
  await rig.clean();
});

test.run();
