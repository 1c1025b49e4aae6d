/** What was revoked is out at a node for good, whatever its coordinator says of it later. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  createRevocationSet,
  diffMaps,
  encodeBase64,
  hashMap,
  type NetworkMap,
  type Revocation,
  writeMapMessage,
} from '@pcloud/netmap';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { MeshDaemon } from '../src/mesh/start.ts';
import { openRevocations } from '../src/mesh/state/revocations.ts';
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
  readonly control: FakeControl;
  readonly rig: MeshRig;
  readonly clock: FakeClock;
  /** What nodes are told when they join: this one, 2 and 3. */
  map: NetworkMap | undefined;
  daemon: MeshDaemon;
  session(): FakeSession;
  revoke(...nodes: readonly Revocation[]): Promise<void>;
}

const KEYS = [2, 3].map((number) => new Uint8Array(32).fill(number));
const [SECOND, THIRD] = KEYS.map((key, at) => ({ nodeId: `n${at + 2}`, nodeKey: encodeBase64(key) })) as [
  Revocation,
  Revocation,
];

async function withScene(act: (scene: Scene) => Promise<void>): Promise<void> {
  const control = createFakeControl();
  const clock = createFakeClock();
  const rig = createMeshRig({ clock, control });
  admitWith(control, (nodeKey) => {
    scene.map ??= createMap(control, [createNode(1, nodeKey), createNode(2, KEYS[0]!), createNode(3, KEYS[1]!)]);
    return scene.map;
  });
  const scene: Scene = {
    control,
    rig,
    clock,
    map: undefined,
    daemon: await rig.start(),
    session: () => control.sessions.at(-1)!,
    async revoke(...nodes) {
      scene.session().send({ kind: 'revocations', id: 5, nodes });
      await settle();
    },
  };
  try {
    await scene.daemon.join(control.target('secret'));
    await settle();
    await act(scene);
  } finally {
    await rig.clean();
  }
}

const names = ({ daemon }: Scene): string[] => daemon.status().peers.map(({ name }) => name);

function hashOf(...nodes: readonly Revocation[]): string {
  const set = createRevocationSet();
  set.add(nodes);
  return set.hash;
}

test('a node that is revoked is no peer any more, at once, and that is confirmed', () =>
  withScene(async (scene) => {
    assert.equal(names(scene), ['node-2', 'node-3']);
    await scene.revoke(SECOND);
    assert.equal(names(scene), ['node-3']);
    assert.equal(scene.session().received.at(-1), { kind: 'revoked', id: 5, hash: hashOf(SECOND) });
  }));

test('it is confirmed once it is on disk, and what cannot be written is in force all the same', () =>
  withScene(async (scene) => {
    const path = join(scene.rig.directory, 'state', 'revocations');
    mkdirSync(join(path, 'in-the-way'), { recursive: true });
    await scene.revoke(SECOND);
    assert.equal(names(scene), ['node-3']);
    assert.not.equal(scene.session().received.at(-1)?.kind, 'revoked');
    rmSync(path, { recursive: true });
    await scene.revoke();
    assert.equal(scene.session().received.at(-1), { kind: 'revoked', id: 5, hash: hashOf(SECOND) });
    assert.match(readFileSync(path, 'utf8'), SECOND.nodeKey);
  }));

test('a later map that names it again changes nothing, and deltas still fit', () =>
  withScene(async (scene) => {
    await scene.revoke(SECOND);
    const map = scene.map!;
    const renamed = createNode(3, KEYS[1]!, { name: 'other', addresses: map.nodes.get('n3')!.addresses });
    const next: NetworkMap = { ...map, revision: 2, nodes: new Map(map.nodes).set('n3', renamed) };
    scene.session().send({ kind: 'delta', ...diffMaps(map, next)! });
    await settle();
    assert.equal(names(scene), ['other']);
    assert.ok(scene.session().received.every(({ kind }) => kind !== 'resync'));
    const restored: NetworkMap = { ...next, epoch: 2, revision: 1 };
    scene.session().send(writeMapMessage(restored));
    await settle();
    assert.equal(names(scene), ['other']);
    assert.is(scene.daemon.status().coordinator.connected, true);
  }));

/** Lets time pass on a connection that lives. */
async function pass({ clock, session }: Scene, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 10_000) {
    session().send({ kind: 'ping', id: left });
    await settle();
    clock.advance(Math.min(left, 10_000));
    await settle();
  }
}

/** What the coordinator was asked to do. */
function asked({ control }: Scene): unknown[] {
  return control.sessions
    .flatMap(({ received }) => received)
    .filter(({ kind }) => kind === 'request')
    .map((message) => (message.kind === 'request' ? [message.operation, message.input] : undefined));
}

const REMINDED = [['nodes.remove', { node: 'n2', revoke: true }]];

test('a coordinator that was put back and has forgotten what was revoked is told again, once', () =>
  withScene(async (scene) => {
    await scene.revoke(SECOND);
    scene.session().send(writeMapMessage({ ...scene.map!, epoch: 2, revision: 1 }));
    await settle();
    await pass(scene, 4_999);
    assert.equal(asked(scene), []);
    await pass(scene, 20_001);
    assert.equal(asked(scene), REMINDED);
    await pass(scene, 20_000);
    assert.equal(asked(scene), REMINDED);
  }));

test('a coordinator whose map follows what it revoked is asked for nothing', () =>
  withScene(async (scene) => {
    const map = scene.map!;
    await scene.revoke(SECOND);
    await pass(scene, 1_000);
    const nodes = new Map(map.nodes);
    nodes.delete('n2');
    scene.session().send({ kind: 'delta', ...diffMaps(map, { ...map, revision: 2, nodes })! });
    await settle();
    await pass(scene, 60_000);
    assert.equal(asked(scene), []);
  }));

test('who may not revoke it today tries again after an hour', () =>
  withScene(async (scene) => {
    await scene.revoke(SECOND);
    await pass(scene, 25_000);
    const request = scene.session().received.findLast(({ kind }) => kind === 'request') as { id: number };
    scene.session().send({ kind: 'failure', id: request.id, code: 'FORBIDDEN', message: 'no' });
    await settle();
    await pass(scene, 3_500_000);
    assert.equal(asked(scene), REMINDED);
    await pass(scene, 200_000);
    assert.equal(asked(scene), [...REMINDED, ...REMINDED]);
  }));

test('class 18: the key of a revoked node is out under another id and name, too', () =>
  withScene(async (scene) => {
    await scene.revoke(SECOND);
    const map = scene.map!;
    const again = { ...map.nodes.get('n2')!, id: 'n9', name: 'again' };
    scene.session().send(writeMapMessage({ ...map, revision: 2, nodes: new Map([['n9', again]]) }));
    await settle();
    assert.equal(names(scene), []);
  }));

test('a restart, without any coordinator, and another map on disk do not bring it back', () =>
  withScene(async (scene) => {
    await scene.revoke(SECOND);
    await scene.daemon.close({ keepInterface: false });
    scene.control.isAway = true;
    scene.daemon = await scene.rig.start();
    await settle();
    assert.equal(names(scene), ['node-3']);
  }));

test('the map is resumed by the hash that the coordinator knows', () =>
  withScene(async (scene) => {
    await scene.revoke(SECOND);
    scene.session().close();
    await scene.daemon.close({ keepInterface: false });
    scene.daemon = await scene.rig.start();
    await settle();
    const join = scene.session().received.find((message) => message.kind === 'join');
    assert.equal(join?.kind === 'join' && join.map?.hash, hashMap(scene.map!));
  }));

test('leaving the network and joining it again does not forget what was revoked in it', () =>
  withScene(async (scene) => {
    await scene.revoke(SECOND);
    await scene.daemon.close({ keepInterface: false });
    const state = join(scene.rig.directory, 'state');
    for (const name of ['membership.json', 'map.json', 'seen.json']) rmSync(join(state, name), { force: true });
    scene.daemon = await scene.rig.start();
    await scene.daemon.join(scene.control.target('secret'));
    await settle();
    assert.equal(names(scene), ['node-3']);
  }));

test('lists of two networks are kept apart, and each has all that it ever had', () =>
  withScene(async ({ rig }) => {
    const state = join(rig.directory, 'state');
    const first = openRevocations(state);
    first.add('one', [SECOND]);
    first.add('two', [THIRD]);
    first.add('one', [THIRD]);
    const second = openRevocations(state);
    assert.equal(second.of('one').entries, [SECOND, THIRD]);
    assert.equal(second.of('two').entries, [THIRD]);
    assert.equal(second.of('three').entries, []);
  }));

test('a list that was damaged is said, and not taken for an empty one', () =>
  withScene(async ({ rig }) => {
    const state = join(rig.directory, 'state');
    openRevocations(state).add('one', [SECOND]);
    const path = join(state, 'revocations');
    const text = readFileSync(path, 'utf8');
    for (const damaged of [text.replace(SECOND.nodeKey, 'AAAA'), text.slice(0, 4), `${text}x`]) {
      writeFileSync(path, damaged);
      let code: unknown;
      try {
        openRevocations(state);
      } catch (error) {
        ({ code } = error as { code: unknown });
      }
      assert.is(code, 'STATE_CORRUPT', damaged);
    }
  }));

test.run();
