import {
  appendServerSet,
  diffMaps,
  encodeBase64,
  parseNetworkId,
  signStatement,
  writeMapMessage,
} from '@pcloud/netmap';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { MeshDaemon } from '../src/mesh/start.ts';
import { createFakeClock, type FakeClock } from '../src/testing/fake-clock.ts';
import {
  admitWith,
  createFakeControl,
  createMap,
  createNode,
  type FakeControl,
  settle,
} from '../src/testing/fake-control.ts';
import { createMeshRig, type MeshRig } from '../src/testing/mesh-rig.ts';

interface Scene {
  readonly clock: FakeClock;
  readonly control: FakeControl;
  readonly rig: MeshRig;
  readonly daemon: MeshDaemon;
}

const keyOf = (number: number): Uint8Array => new Uint8Array(32).fill(number);

/** A member with node 2 in its map at epoch 1, revision 5. */
async function withMember(act: (scene: Scene) => Promise<void>): Promise<void> {
  const clock = createFakeClock();
  const control = createFakeControl();
  const rig = createMeshRig({ clock, control });
  admitWith(control, (nodeKey) =>
    createMap(control, [createNode(1, nodeKey), createNode(2, keyOf(2))], { revision: 5 }),
  );
  const daemon = await rig.start();
  await daemon.join(control.target('t'));
  try {
    await act({ clock, control, rig, daemon });
  } finally {
    await rig.clean();
  }
}

async function advance(clock: FakeClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 500) {
    clock.advance(Math.min(500, ms - passed));
    await settle();
  }
}

const names = (daemon: MeshDaemon): string[] => daemon.status().peers.map(({ name }) => name);

test('a server that falls silent is noticed within 30 s, and another channel made', () =>
  withMember(async ({ clock, control, daemon }) => {
    await advance(clock, 25_000);
    control.isSilent = true;
    await advance(clock, 29_500);
    assert.not(daemon.status().coordinator.connected);
    assert.is(daemon.status().coordinator.problem?.code, 'SILENT');
    control.isSilent = false;
    await advance(clock, 25_000);
    assert.ok(daemon.status().coordinator.connected);
  }));

test('a channel with nothing to say stays open for an hour', () =>
  withMember(async ({ clock, control, daemon }) => {
    await advance(clock, 3_600_000 / 10);
    assert.ok(daemon.status().coordinator.connected);
    assert.is(control.sessions.length, 1);
  }));

test("a server's ping is answered", () =>
  withMember(async ({ control }) => {
    control.sessions[0]!.send({ kind: 'ping', id: 7 });
    await settle();
    assert.equal(control.sessions[0]!.received.at(-1), { kind: 'pong', id: 7 });
  }));

test('tries come ever more seldom up to 30 s, and soon again after a success', () =>
  withMember(async ({ clock, control }) => {
    control.isAway = true;
    control.sessions[0]!.close();
    await settle();
    control.tried.length = 0;
    await advance(clock, 10_000);
    const early = control.tried.length;
    assert.ok(early >= 2 && early <= 12, `${early} tries in the first 10 s`);
    await advance(clock, 110_000);
    control.tried.length = 0;
    await advance(clock, 120_000);
    assert.ok(control.tried.length >= 4 && control.tried.length <= 40, `${control.tried.length} tries later`);
    control.isAway = false;
    await advance(clock, 30_000);
    const before = control.sessions.length;
    control.sessions.at(-1)!.close();
    await advance(clock, 1_500);
    assert.is(control.sessions.length, before + 1);
  }));

test('a change of the network tries at once rather than at the end of the wait', () =>
  withMember(async ({ clock, control, rig, daemon }) => {
    control.isAway = true;
    control.sessions[0]!.close();
    await advance(clock, 120_000);
    control.isAway = false;
    rig.machine.addAddress('eth0', '203.0.113.9/24');
    await advance(clock, 500);
    assert.ok(daemon.status().coordinator.connected);
  }));

test('a delta changes what it says', () =>
  withMember(async ({ control, daemon }) => {
    const self = ownNode(control);
    const before = createMap(control, [self, createNode(2, keyOf(2))], { revision: 5 });
    const after = createMap(control, [self, createNode(2, keyOf(2)), createNode(3, keyOf(3))], { revision: 6 });
    control.sessions[0]!.send({ kind: 'delta', ...diffMaps(before, after)! });
    await settle();
    assert.equal(names(daemon), ['node-2', 'node-3']);
    assert.is(control.sessions[0]!.received.filter(({ kind }) => kind === 'resync').length, 0);
  }));

function ownNode(control: FakeControl): ReturnType<typeof createNode> {
  const join = control.sessions[0]!.received.find((message) => message.kind === 'join');
  return createNode(1, Buffer.from((join as { nodeKey: string }).nodeKey, 'base64'));
}

test('a delta that does not fit asks for a whole map and changes nothing', () =>
  withMember(async ({ control, daemon }) => {
    const [session] = control.sessions;
    for (const change of [{ from: 4 }, { hash: encodeBase64(new Uint8Array(32)) }]) {
      session!.send({
        kind: 'delta',
        epoch: 1,
        from: 5,
        to: 6,
        changed: [],
        removed: ['n2'],
        hash: encodeBase64(new Uint8Array(32).fill(1)),
        ...change,
      });
    }
    await settle();
    assert.is(session!.received.filter(({ kind }) => kind === 'resync').length, 2);
    assert.equal(names(daemon), ['node-2']);
  }));

test('a server that shows an older map is not believed', () =>
  withMember(async ({ clock, control, daemon }) => {
    const old = createMap(control, [ownNode(control), createNode(3, keyOf(3))], { revision: 4 });
    control.sessions[0]!.send(writeMapMessage(old));
    await settle();
    assert.is(daemon.status().coordinator.problem?.code, 'MAP_REFUSED');
    assert.match(daemon.status().coordinator.problem!.message, 'as after a backup of the coordinator was put back');
    assert.equal(names(daemon), ['node-2']);
    const before = control.tried.length;
    await advance(clock, 10_000);
    assert.is(control.tried.length, before, 'no storm of tries');
    await advance(clock, 20_000);
    assert.ok(daemon.status().coordinator.connected, 'it tries again');
  }));

test('where a server shows an older map, the next one is asked at once', () =>
  withMember(async ({ clock, control, daemon }) => {
    const next = 'https://203.0.113.50:8443';
    const { servers } = JSON.parse(Buffer.from(control.signedSet!).toString()).steps[0].set;
    control.signedSet = control.signSet({ number: 2, servers: [{ ...servers[0], urls: [control.url, next] }] });
    control.sessions[0]!.close();
    await advance(clock, 2_000);
    control.tried.length = 0;
    const old = createMap(control, [ownNode(control), createNode(3, keyOf(3))], { revision: 4 });
    control.sessions.at(-1)!.send(writeMapMessage(old));
    await settle();
    assert.equal(control.tried, [next]);
    assert.is(daemon.status().coordinator.url, next);
    assert.equal(names(daemon), ['node-2']);
  }));

test('why a server is refused is told also where its other places do not answer', () =>
  withMember(async ({ clock, control, daemon }) => {
    const { servers } = JSON.parse(Buffer.from(control.signedSet!).toString()).steps[0].set;
    const urls = [control.url, 'https://203.0.113.50:8443'];
    control.signedSet = control.signSet({ number: 2, servers: [{ ...servers[0], urls }] });
    control.sessions[0]!.close();
    await advance(clock, 2_000);
    control.isAway = true;
    const old = createMap(control, [ownNode(control)], { revision: 4 });
    control.sessions.at(-1)!.send(writeMapMessage(old));
    await settle();
    assert.is(control.tried.at(-1), urls[1]);
    assert.is(daemon.status().coordinator.problem?.code, 'MAP_REFUSED');
  }));

test('an older map is not believed after a restart either, when the map on disk was lost', () =>
  withMember(async ({ clock, control, daemon, rig }) => {
    await daemon.close({ keepInterface: true });
    const { writeFileSync } = await import('node:fs');
    writeFileSync(`${rig.directory}/state/map.json`, 'lost');
    const own = ownNode(control);
    admitWith(control, () => createMap(control, [own, createNode(3, keyOf(3))], { revision: 4 }));
    const again = await rig.start();
    await advance(clock, 1_000);
    assert.is(again.status().self, null);
    admitWith(control, () => createMap(control, [own, createNode(3, keyOf(3))], { epoch: 2, revision: 1 }));
    await advance(clock, 40_000);
    assert.equal(names(again), ['node-3'], 'a restore has a higher epoch');
  }));

test('a map of another network, and one that its hash does not fit, are refused', () =>
  withMember(async ({ clock, control, daemon }) => {
    const other = createFakeControl(2);
    const foreign = createMap(other, [ownNode(control)], { revision: 9 });
    control.sessions[0]!.send(writeMapMessage(foreign));
    await settle();
    assert.is(daemon.status().coordinator.problem?.code, 'MAP_REFUSED');
    await advance(clock, 31_000);
    const good = createMap(control, [ownNode(control)], { revision: 9 });
    control.sessions[1]!.send({ ...writeMapMessage(good), hash: encodeBase64(new Uint8Array(32)) });
    await settle();
    assert.is(daemon.status().coordinator.problem?.code, 'MAP_REFUSED');
    assert.equal(names(daemon), ['node-2']);
  }));

test('a server that shows an older server set is none of ours', () =>
  withMember(async ({ clock, control, daemon }) => {
    const first = control.signedSet!;
    control.signedSet = control.signSet({ number: 3 });
    control.sessions[0]!.close();
    await advance(clock, 2_000);
    assert.ok(daemon.status().coordinator.connected);
    control.signedSet = first;
    control.sessions[1]!.close();
    await advance(clock, 2_000);
    assert.is(daemon.status().coordinator.problem?.code, 'SERVER_SET_REFUSED');
    assert.equal(names(daemon), ['node-2'], 'the network stays as it was');
  }));

test('a newer server set moves the node to the new address of its server, also after a restart', () =>
  withMember(async ({ clock, control, daemon, rig }) => {
    const moved = 'https://203.0.113.50:8443';
    const { servers } = JSON.parse(Buffer.from(control.signedSet!).toString()).steps[0].set;
    control.signedSet = control.signSet({ number: 2, servers: [{ ...servers[0], urls: [moved] }] });
    control.sessions[0]!.close();
    await advance(clock, 2_000);
    await daemon.close({ keepInterface: true });
    control.tried.length = 0;
    await rig.start();
    await settle();
    assert.is(control.tried[0], moved);
  }));

test('a set in which the server is not any more ends it, whatever it says', () =>
  withMember(async ({ clock, control, daemon }) => {
    const other = createFakeControl(3);
    const { servers } = JSON.parse(Buffer.from(other.signedSet!).toString()).steps[0].set;
    const next = { number: 2, servers };
    const signature = signStatement(parseNetworkId(control.networkId)!, next, control.rootSeed);
    control.signedSet = appendServerSet(control.signedSet!, next, [signature]);
    const before = control.sessions.length;
    control.sessions[0]!.close();
    await advance(clock, 2_000);
    assert.ok(control.sessions.length > before + 1, 'its URL is tried under the key of the new server');
    assert.is(daemon.status().coordinator.problem?.code, 'SERVER_SET_REFUSED');
    assert.is(control.sessions.flatMap(({ received }) => received).filter(({ kind }) => kind === 'join').length, 1);
    await advance(clock, 60_000);
    assert.is(daemon.status().coordinator.problem?.code, 'HANDSHAKE_REFUSED');
  }));

test('a node whose keys another machine uses does not fight for the channel', () =>
  withMember(async ({ clock, control, daemon }) => {
    control.sessions[0]!.send({ kind: 'refused', code: 'REPLACED', message: 'newer connection' });
    await settle();
    control.tried.length = 0;
    await advance(clock, 14_000);
    assert.is(control.tried.length, 0);
    assert.is(daemon.status().coordinator.problem?.code, 'REPLACED');
    assert.match(daemon.status().coordinator.problem!.message, 'another machine uses the keys of this one');
    await advance(clock, 17_000);
    assert.is(control.tried.length, 1);
  }));

test('two machines with one key take the channel from each other ever more seldom, and "up" takes it at once', () =>
  withMember(async ({ clock, control, daemon }) => {
    const replace = (): void =>
      control.sessions.at(-1)!.send({ kind: 'refused', code: 'REPLACED', message: 'newer connection' });
    const before = control.sessions.length;
    for (let passedMs = 0; passedMs < 3_600_000; passedMs += 5_000) {
      if (daemon.status().coordinator.connected) replace();
      await advance(clock, 5_000);
    }
    const taken = control.sessions.length - before;
    assert.ok(taken >= 6 && taken <= 12, `${taken} times in an hour`);
    replace();
    await settle();
    await daemon.up();
    await settle();
    assert.ok(daemon.status().coordinator.connected);
  }));

test('messages out of turn end the channel', async () => {
  const clock = createFakeClock();
  const control = createFakeControl();
  const rig = createMeshRig({ clock, control });
  control.admit = (session) => session.send({ kind: 'presence', nodes: [] });
  const daemon = await rig.start();
  const asked = daemon.join(control.target('t'));
  await settle();
  const outcome = await asked;
  assert.is(outcome.kind === 'unreachable' && outcome.code, 'UNEXPECTED');
  await rig.clean();
});

test('a server of a version that is not spoken here is told from one that is away', async () => {
  const clock = createFakeClock();
  const control = createFakeControl();
  control.version = 99;
  const rig = createMeshRig({ clock, control });
  const daemon = await rig.start();
  const outcome = await daemon.join(control.target('t'));
  assert.is(outcome.kind === 'unreachable' && outcome.code, 'VERSION_UNSUPPORTED');
  await rig.clean();
});

test('a server that sends no server set does not let anybody in', async () => {
  const clock = createFakeClock();
  const control = createFakeControl();
  control.signedSet = undefined;
  const rig = createMeshRig({ clock, control });
  const daemon = await rig.start();
  const outcome = await daemon.join(control.target('t'));
  assert.is(outcome.kind === 'unreachable' && outcome.code, 'SERVER_SET_REFUSED');
  assert.is(
    control.sessions[0]!.received.some(({ kind }) => kind === 'join'),
    false,
    'the token stays here',
  );
  await rig.clean();
});

test.run();
