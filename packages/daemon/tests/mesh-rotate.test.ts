/** Another node key while the device runs: taken when the coordinator has it, and not before. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeBase64, encodeBase64, type NetworkMap, type NodeMessage, writeMapMessage } from '@pcloud/netmap';
import { createNobleCrypto } from '@pcloud/wireguard';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { MeshDaemon } from '../src/mesh/start.ts';
import { createFakeClock, type FakeClock } from '../src/testing/fake-clock.ts';
import {
  createFakeControl,
  createMap,
  createNode,
  type FakeControl,
  type FakeSession,
  settle,
} from '../src/testing/fake-control.ts';
import { createMemoryNetwork, type MemoryNetwork } from '../src/testing/memory-bind.ts';
import { createMeshRig, type MeshRig } from '../src/testing/mesh-rig.ts';

type Request = Extract<NodeMessage, { kind: 'request' }>;

interface Scene {
  readonly clock: FakeClock;
  readonly control: FakeControl;
  readonly network: MemoryNetwork;
  /** Two devices that know each other. */
  readonly rigs: readonly MeshRig[];
  readonly daemons: MeshDaemon[];
  /** Of each device as the coordinator has it, base64. */
  readonly keys: string[];
  /** Sends everybody a map with these keys. */
  tell(): Promise<void>;
  /** The first device asks for another key. */
  rotate(): { readonly done: Promise<string>; readonly request: Promise<Request>; readonly session: FakeSession };
}

async function withScene(act: (scene: Scene) => Promise<void>): Promise<void> {
  const clock = createFakeClock();
  const control = createFakeControl();
  const network = createMemoryNetwork();
  const rigs = [1, 2].map((seed) => createMeshRig({ clock, control, network, address: `192.0.2.${seed}`, seed }));
  const endpoints: (readonly string[])[] = [];
  const owners: number[] = [];
  let revision = 0;
  control.admit = (session, message) => {
    const at = owners.push(scene.daemons.length) - 1;
    const owner = owners[at]!;
    scene.keys[owner] = message.nodeKey;
    endpoints[owner] = message.endpoints;
    session.send({ kind: 'welcome', nodeId: `n${owner + 1}`, program: 'fake' });
    send();
  };
  function mapFor(self: number): NetworkMap {
    const nodes = scene.keys.map((key, at) => createNode(at + 1, decodeBase64(key)!));
    return createMap(control, [nodes[self]!, ...nodes.filter((_, at) => at !== self)], { revision });
  }
  function send(): void {
    revision += 1;
    for (const [at, session] of control.sessions.entries()) {
      const self = owners[at];
      if (self === undefined || !session.isOpen) continue;
      session.send(writeMapMessage(mapFor(self)));
      const others = endpoints.map((each, other) => ({ id: `n${other + 1}`, online: true, endpoints: each }));
      session.send({ kind: 'presence', nodes: others.filter((_, other) => other !== self) });
    }
  }
  const scene: Scene = {
    clock,
    control,
    network,
    rigs,
    daemons: [],
    keys: [],
    async tell() {
      send();
      await settle();
      network.settle();
    },
    rotate() {
      const session = control.sessions[0]!;
      const done = scene.daemons[0]!.rotate();
      done.catch(() => {});
      const request = settle().then(() => session.received.findLast((one) => one.kind === 'request') as Request);
      return { done, request, session };
    },
  };
  try {
    for (const rig of rigs) {
      const daemon = await rig.start();
      await daemon.join(control.target('t'));
      scene.daemons.push(daemon);
    }
    await scene.tell();
    await act(scene);
  } finally {
    for (const rig of rigs) await rig.clean();
  }
}

/** From the second device to the first, or the other way round. @returns whether it arrived */
function talks({ rigs, network }: Scene, from: 0 | 1): boolean {
  const packet = new Uint8Array(40);
  packet.set([0x45, 0, 0, 40, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, from + 1, 10, 0, 0, 2 - from]);
  const { delivered } = rigs[1 - from]!.hands().tun;
  const before = delivered.length;
  rigs[from]!.hands().tun.push(packet);
  network.settle();
  return delivered.length > before;
}

async function faultOf(done: Promise<unknown>): Promise<string> {
  return done.then(
    () => 'it was done',
    (error: Error) => error.message,
  );
}

const keyAsked = ({ input }: Request): string => (input as { nodeKey: string }).nodeKey;

const keyOnDisk = ({ rigs }: Scene): string =>
  readFileSync(join(rigs[0]!.directory, 'state', 'node.key'), 'utf8').trim();

test('peers talk on while the key is replaced, before they hear of it and after', () =>
  withScene(async (scene) => {
    assert.ok(talks(scene, 0) && talks(scene, 1));
    const before = scene.keys[0]!;
    const { done, request, session } = scene.rotate();
    const { id, operation, input } = await request;
    assert.is(operation, 'nodes.rotate');
    const { nodeKey } = input as { nodeKey: string };
    assert.not.equal(nodeKey, before);
    session.send({ kind: 'response', id, result: {} });
    assert.is(await done, nodeKey);
    scene.network.settle();
    assert.ok(talks(scene, 0) && talks(scene, 1), 'the peer does not know it yet');
    scene.keys[0] = nodeKey;
    await scene.tell();
    assert.ok(talks(scene, 0) && talks(scene, 1));
    const crypto = createNobleCrypto();
    assert.is(encodeBase64(crypto.publicKey(decodeBase64(keyOnDisk(scene))!)), nodeKey);
    assert.not.ok(existsSync(join(scene.rigs[0]!.directory, 'state', 'node.key.next')));
    const [peer] = scene.daemons[1]!.status().peers;
    assert.is(peer!.reason, 'connected');
  }));

test('it goes on, too, when the peer hears of the new key first', () =>
  withScene(async (scene) => {
    assert.ok(talks(scene, 0) && talks(scene, 1));
    const { done, request, session } = scene.rotate();
    const { id, input } = await request;
    scene.keys[0] = (input as { nodeKey: string }).nodeKey;
    await scene.tell();
    assert.ok(talks(scene, 0) && talks(scene, 1));
    session.send({ kind: 'response', id, result: {} });
    await done;
    scene.network.settle();
    assert.ok(talks(scene, 0) && talks(scene, 1));
  }));

test('what the coordinator refuses leaves the key as it is', () =>
  withScene(async (scene) => {
    const before = keyOnDisk(scene);
    const { done, request, session } = scene.rotate();
    session.send({ kind: 'failure', id: (await request).id, code: 'KEY_IN_USE', message: 'another has it' });
    assert.match(await faultOf(done), 'another has it');
    assert.is(keyOnDisk(scene), before);
    assert.not.ok(existsSync(join(scene.rigs[0]!.directory, 'state', 'node.key.next')));
    assert.is(scene.control.sessions.length, 2, 'and the channel goes on');
    assert.ok(talks(scene, 0));
  }));

test('without an answer the present key is registered anew, since nobody can tell which one the server has', () =>
  withScene(async (scene) => {
    const present = scene.keys[0]!;
    const { done, request, session } = scene.rotate();
    scene.keys[0] = ((await request).input as { nodeKey: string }).nodeKey;
    session.close();
    assert.match(await faultOf(done), 'ended before it answered');
    scene.daemons.length = 0;
    scene.clock.advance(5_000);
    await settle();
    assert.is(scene.keys[0], present);
  }));

test('a key that cannot be written is asked for from nobody', () =>
  withScene(async (scene) => {
    const path = join(scene.rigs[0]!.directory, 'state', 'node.key.next');
    mkdirSync(join(path, 'in-the-way'), { recursive: true });
    const { done } = scene.rotate();
    assert.match(await faultOf(done), 'node.key.next');
    assert.not.ok(scene.control.sessions[0]!.received.some(({ kind }) => kind === 'request'));
    rmdirSync(join(path, 'in-the-way'));
    rmdirSync(path);
  }));

test('a device that is told so replaces its key by itself once it is due, and no sooner', () =>
  withScene(async (scene) => {
    const [session] = scene.control.sessions;
    const asked = (): number => session!.received.filter(({ kind }) => kind === 'request').length;
    // That the server talks keeps the channel alive.
    session!.send({ kind: 'key', isExpired: false, rotatesInMs: 1_000 });
    await settle();
    assert.equal(scene.daemons[0]!.status().key, { isExpired: false, expiresInMs: null });
    scene.clock.advance(900);
    await settle();
    assert.is(asked(), 0);
    for (let second = 0; second < 3_600; second += 5) {
      scene.clock.advance(5_000);
      await settle();
    }
    assert.is(asked(), 1);
    const request = session!.received.findLast(({ kind }) => kind === 'request') as Request;
    assert.is(request.operation, 'nodes.rotate');
    session!.send({ kind: 'response', id: request.id, result: {} });
    await settle();
    assert.is(encodeBase64(createNobleCrypto().publicKey(decodeBase64(keyOnDisk(scene))!)), keyAsked(request));
  }));

test('a new key that was left over by a crash is thrown away at the next start', () =>
  withScene(async (scene) => {
    const [rig] = scene.rigs;
    const before = keyOnDisk(scene);
    await scene.daemons[0]!.close({ keepInterface: false });
    const path = join(rig!.directory, 'state', 'node.key.next');
    writeFileSync(path, `${before}\n`);
    scene.daemons.length = 0;
    scene.daemons.push(await rig!.start());
    assert.not.ok(existsSync(path));
    assert.is(keyOnDisk(scene), before);
  }));

test.run();
