import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeBase64, type NetworkMap, writeMapMessage } from '@pcloud/netmap';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { JoinOutcome } from '../src/mesh/index.ts';
import { createFakeClock, type FakeClock } from '../src/testing/fake-clock.ts';
import {
  address6,
  admitWith,
  createFakeControl,
  createMap,
  createNode,
  type FakeControl,
  RANGE6,
  settle,
} from '../src/testing/fake-control.ts';
import { createMemoryNetwork, type MemoryNetwork } from '../src/testing/memory-bind.ts';
import { createMeshRig, type MeshRig } from '../src/testing/mesh-rig.ts';

interface Scene {
  readonly clock: FakeClock;
  readonly control: FakeControl;
  readonly network: MemoryNetwork;
  readonly rig: MeshRig;
}

const OTHER_KEY = new Uint8Array(32).fill(9);

/** A coordinator that lets everybody in, with a map of the one who asks and node 2. */
async function withScene(act: (scene: Scene) => Promise<void>): Promise<void> {
  const clock = createFakeClock();
  const control = createFakeControl();
  const network = createMemoryNetwork();
  const rig = createMeshRig({ clock, control, network });
  admitWith(control, (nodeKey) => createMap(control, [createNode(1, nodeKey), createNode(2, OTHER_KEY)]));
  try {
    await act({ clock, control, network, rig });
  } finally {
    await rig.clean();
  }
}

async function advance(clock: FakeClock, ms: number, stepMs = 1_000): Promise<void> {
  for (let passed = 0; passed < ms; passed += stepMs) {
    clock.advance(Math.min(stepMs, ms - passed));
    await settle();
  }
}

test('a device joins by a link: interface, addresses, routes and peers are there when it is told', () =>
  withScene(async ({ control, rig }) => {
    const daemon = await rig.start();
    const outcome = await daemon.join(control.target('secret'));
    assert.equal(outcome, { kind: 'joined', name: 'node-1', addresses: ['10.0.0.1', address6(1)] });
    assert.equal(rig.machine.addresses().slice(1), ['pcloud0 10.0.0.1/32', `pcloud0 ${address6(1)}/128`]);
    assert.equal(rig.machine.routes().slice(1), ['pcloud0 10.0.0.0/16', `pcloud0 ${RANGE6}`]);
    assert.equal(rig.machine.linkInfo('pcloud0')?.mtu, 1_280);
    const join = control.sessions[0]!.received.find((message) => message.kind === 'join');
    assert.is(join?.kind === 'join' && join.token, 'secret');
    assert.equal(join?.kind === 'join' && join.endpoints, ['192.0.2.1:40000']);
    const status = daemon.status();
    assert.is(status.state, 'up');
    assert.ok(status.coordinator.connected);
    assert.equal(
      status.peers.map(({ name, path, online }) => [name, path, online]),
      [['node-2', 'none', false]],
    );
  }));

test('private keys and the token are in no message, and keys and membership are of the owner alone', () =>
  withScene(async ({ control, rig }) => {
    const daemon = await rig.start();
    await daemon.join(control.target('secret'));
    const state = join(rig.directory, 'state');
    const said = JSON.stringify(control.sessions[0]!.received);
    for (const name of ['machine.key', 'node.key']) {
      assert.not.match(said, readFileSync(join(state, name), 'utf8').trim());
      assert.not.match(JSON.stringify(daemon.status()), readFileSync(join(state, name), 'utf8').trim());
    }
    const files = readdirSync(state, { withFileTypes: true }).filter((entry) => entry.isFile());
    for (const { name } of files) {
      assert.is(statSync(join(state, name)).mode & 0o777, 0o600, name);
      assert.not.match(readFileSync(join(state, name), 'latin1'), 'secret');
    }
    assert.is(statSync(state).mode & 0o777, 0o700);
  }));

test('two nodes that know each other by their maps exchange packets', async () => {
  const clock = createFakeClock();
  const control = createFakeControl();
  const network = createMemoryNetwork();
  const rigs = [1, 2].map((seed) => createMeshRig({ clock, control, network, address: `192.0.2.${seed}`, seed }));
  const joined: { readonly key: Uint8Array; readonly endpoints: readonly string[] }[] = [];
  control.admit = (session, message) => {
    const key = Uint8Array.from(Buffer.from(message.nodeKey, 'base64'));
    const number = joined.push({ key, endpoints: message.endpoints });
    session.send({ kind: 'welcome', nodeId: `n${number}`, program: 'fake' });
    const nodes = joined.map((node, i) => createNode(i + 1, node.key));
    const mapFor = (self: number): NetworkMap =>
      createMap(control, [nodes[self]!, ...nodes.filter((_, i) => i !== self)], { revision: number });
    for (const [i, one] of control.sessions.entries()) {
      one.send(writeMapMessage(mapFor(i)));
      const others = joined.map(({ endpoints }, at) => ({ id: `n${at + 1}`, online: true, endpoints }));
      one.send({ kind: 'presence', nodes: others.filter((_, at) => at !== i) });
    }
  };
  try {
    const daemons = [];
    for (const rig of rigs) {
      const daemon = await rig.start();
      await daemon.join(control.target('t'));
      daemons.push(daemon);
    }
    await settle();
    const packet = new Uint8Array(40);
    packet.set([0x45, 0, 0, 40, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    rigs[0]!.hands().tun.push(packet);
    network.settle();
    assert.equal(rigs[1]!.hands().tun.delivered, [packet]);
    const [peer] = daemons[0]!.status().peers;
    assert.is(peer!.path, 'direct');
    assert.is(peer!.endpoint, '192.0.2.2:40000');
    assert.ok(peer!.online);
    assert.ok(peer!.txBytes > 0);
  } finally {
    for (const rig of rigs) await rig.clean();
  }
});

test('a restart comes up from the last map while no coordinator answers, under the same keys and port', () =>
  withScene(async ({ clock, control, rig }) => {
    const first = await rig.start();
    await first.join(control.target('t'));
    control.sessions[0]!.send({
      kind: 'presence',
      nodes: [{ id: 'n2', online: true, endpoints: ['198.51.100.7:9999'] }],
    });
    await settle();
    await first.close({ keepInterface: true });
    assert.ok(rig.machine.linkInfo('pcloud0'), 'the interface is kept');
    const before = rig.machine.changes.length;

    control.isAway = true;
    const second = await rig.start();
    const status = second.status();
    assert.is(status.state, 'up');
    assert.not(status.coordinator.connected);
    assert.equal(status.self, { name: 'node-1', addresses: ['10.0.0.1', address6(1)] });
    assert.is(status.interface?.port, 40_000);
    assert.is(rig.hands().bind.endpoint, '192.0.2.1:40000');
    assert.equal(
      rig.machine.changes.slice(before).filter((change) => !change.startsWith('link')),
      [],
      'addresses and routes are not touched',
    );
    const packet = new Uint8Array(20);
    packet.set([0x45, 0, 0, 20, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    rig.hands().tun.push(packet);
    assert.is(rig.hands().bind.sent[0]?.to, '198.51.100.7:9999', 'the peer is tried where it was last');

    await advance(clock, 60_000);
    control.isAway = false;
    await advance(clock, 31_000);
    assert.ok(second.status().coordinator.connected, 'and the coordinator is found when it is back');
    const rejoin = control.sessions.at(-1)!.received.find((message) => message.kind === 'join');
    assert.is(rejoin?.kind === 'join' && rejoin.token, undefined);
    assert.is(rejoin?.kind === 'join' && rejoin.map?.revision, 1, 'it resumes from the map it has');
  }));

test('what a server tells of the node itself is not kept', () =>
  withScene(async ({ control, rig }) => {
    const daemon = await rig.start();
    await daemon.join(control.target('t'));
    const nodes = ['n1', 'n2'].map((id) => ({ id, online: true, endpoints: ['198.51.100.7:9999'] }));
    control.sessions[0]!.send({ kind: 'presence', nodes });
    await settle();
    assert.equal(
      daemon.status().peers.map(({ online }) => online),
      [true],
    );
    await daemon.close({ keepInterface: true });
    const [, presence] = readFileSync(join(rig.directory, 'state', 'map.json'), 'utf8').split('\n');
    assert.equal(JSON.parse(presence!).nodes, nodes.slice(1));
  }));

test('a restarted node makes sessions anew with those it had some with, before anybody sends', async () => {
  const clock = createFakeClock();
  const control = createFakeControl();
  const network = createMemoryNetwork();
  const rig = createMeshRig({ clock, control, network });
  admitWith(control, (nodeKey) => createMap(control, [createNode(1, nodeKey), createNode(2, OTHER_KEY)]));
  const first = await rig.start();
  await first.join(control.target('t'));
  await first.close({ keepInterface: true });
  const path = join(rig.directory, 'state', 'map.json');
  const [map, presence] = readFileSync(path, 'utf8').split('\n');
  for (const [worked, expected] of [
    ['{"worked":{}}', []],
    ['{"worked":{"n2":"203.0.113.2:7"}}', ['203.0.113.2:7']],
  ] as const) {
    writeFileSync(path, `${map}\n${presence}\n${worked}\n`);
    control.isAway = true;
    const again = await rig.start();
    assert.equal(
      rig.hands().bind.sent.map(({ to }) => to),
      expected,
    );
    await advance(clock, 60_000);
    assert.is(rig.hands().bind.sent.filter(({ datagram }) => datagram[0] === 4).length, 0, 'no keepalives go on');
    await again.close({ keepInterface: true });
  }
  await rig.clean();
});

test('down takes the interface away and holds across a restart; up brings the member back without a link', () =>
  withScene(async ({ control, rig }) => {
    const first = await rig.start();
    await first.join(control.target('t'));
    await first.down();
    assert.is(rig.machine.linkInfo('pcloud0'), undefined);
    assert.is(first.status().state, 'down');
    await first.close({ keepInterface: true });
    const second = await rig.start();
    assert.is(second.status().state, 'down');
    assert.is(rig.machine.linkInfo('pcloud0'), undefined);
    await second.up();
    assert.is((await second.joined()).kind, 'joined');
    assert.ok(rig.machine.linkInfo('pcloud0'));
  }));

test('a clean stop that keeps nothing leaves the machine as it was found', () =>
  withScene(async ({ control, rig }) => {
    const before = [rig.machine.addresses(), rig.machine.routes()];
    const daemon = await rig.start();
    await daemon.join(control.target('t'));
    await daemon.close({ keepInterface: false });
    assert.equal([rig.machine.addresses(), rig.machine.routes()], before);
    assert.is(rig.machine.linkInfo('pcloud0'), undefined);
  }));

test('who waits for approval is told the code, and is in once somebody approved', () =>
  withScene(async ({ control, rig }) => {
    let approve = (): void => {};
    const { admit } = control;
    control.admit = (session, join) => {
      session.send({ kind: 'pending', code: 'ABCD-EFGH', url: 'https://x/approve', expiresInMs: 600_000 });
      approve = () => admit(session, join);
    };
    const daemon = await rig.start();
    const outcome = await daemon.join(control.target());
    assert.equal(outcome, {
      kind: 'pending',
      code: 'ABCD-EFGH',
      url: 'https://x/approve',
      expiresInMs: 600_000,
    });
    assert.is(daemon.status().state, 'joining');
    assert.not(existsSync(join(rig.directory, 'state', 'membership.json')));
    approve();
    assert.is((await daemon.joined()).kind, 'joined');
    assert.is(daemon.status().pending, null);
  }));

test('a refusal is an outcome, and leaves nothing behind', () =>
  withScene(async ({ control, rig }) => {
    control.admit = (session) => session.send({ kind: 'refused', code: 'TOKEN_USED', message: 'used already' });
    const daemon = await rig.start();
    const outcome = await daemon.join(control.target('t'));
    assert.equal(outcome, { kind: 'refused', code: 'TOKEN_USED', message: 'used already' });
    assert.is(rig.machine.linkInfo('pcloud0'), undefined);
    assert.not(existsSync(join(rig.directory, 'state', 'membership.json')));
    assert.is(daemon.status().state, 'none');
  }));

test('a link of another network, and a server that does not answer, are told from each other', () =>
  withScene(async ({ clock, control, rig }) => {
    const daemon = await rig.start();
    const other = createFakeControl(2);
    const wrong = daemon.join({ ...other.target('t'), urls: [control.url] });
    await settle();
    await advance(clock, 6_000);
    const outcome = await wrong;
    assert.is(outcome.kind === 'unreachable' && outcome.code, 'HANDSHAKE_REFUSED');
    control.isAway = true;
    const asked = daemon.join(control.target('t'));
    await settle();
    await advance(clock, 40_000);
    const late = await asked;
    assert.is(late.kind === 'unreachable' && late.code, 'CLOSED');
    assert.match(late.kind === 'unreachable' ? late.message : '', 'ECONNREFUSED');
  }));

test('who asks to be let in and reaches nobody waits for 15 seconds, whatever is left of the wait for the next try', () =>
  withScene(async ({ clock, control, rig }) => {
    const daemon = await rig.start();
    control.isAway = true;
    for (let round = 0; round < 10; round++) {
      let outcome: JoinOutcome | undefined;
      void daemon.join(control.target('t')).then((ended) => {
        outcome = ended;
      });
      await settle();
      await advance(clock, 14_500);
      assert.is(outcome, undefined);
      await advance(clock, 1_000);
      assert.is(outcome?.kind, 'unreachable');
    }
  }));

test('a member is not made the member of another network', () =>
  withScene(async ({ control, rig }) => {
    const daemon = await rig.start();
    await daemon.join(control.target('t'));
    try {
      await daemon.join(createFakeControl(2).target('t'));
      assert.unreachable();
    } catch (error) {
      assert.is((error as { code?: string }).code, 'ALREADY_A_MEMBER');
    }
    assert.is(daemon.status().state, 'up');
  }));

test('two daemons do not share a state directory', () =>
  withScene(async ({ rig }) => {
    const first = await rig.start();
    try {
      await rig.start({ runtimeDir: join(rig.directory, 'run2') });
      assert.unreachable();
    } catch (error) {
      assert.is((error as { code?: string }).code, 'ALREADY_RUNNING');
      assert.match((error as Error).message, 'stop it first');
    }
    await first.close({ keepInterface: false });
    await rig.start({ runtimeDir: join(rig.directory, 'run2') });
  }));

test('a map that was damaged on disk is fetched anew', () =>
  withScene(async ({ control, rig }) => {
    const first = await rig.start();
    await first.join(control.target('t'));
    await first.close({ keepInterface: true });
    writeFileSync(join(rig.directory, 'state', 'map.json'), '{"kind":"map"');
    const second = await rig.start();
    await second.joined();
    const message = control.sessions[1]!.received.find(({ kind }) => kind === 'join');
    assert.is(message?.kind === 'join' && message.map, undefined);
    assert.is(second.status().peers.length, 1);
  }));

test('a key that was damaged on disk is an error that names the file and what to do', () =>
  withScene(async ({ control, rig }) => {
    const first = await rig.start();
    await first.join(control.target('t'));
    await first.close({ keepInterface: true });
    for (const name of ['node.key', 'machine.key', 'membership.json', 'seen.json']) {
      const path = join(rig.directory, 'state', name);
      const good = readFileSync(path);
      writeFileSync(path, good.subarray(0, 10));
      try {
        await rig.start();
        assert.unreachable(name);
      } catch (error) {
        assert.is((error as { code?: string }).code, 'STATE_CORRUPT', name);
        assert.match((error as Error).message, path);
      }
      writeFileSync(path, good);
    }
    await rig.start();
  }));

test('an interface that somebody deleted is made again', () =>
  withScene(async ({ clock, control, rig }) => {
    const daemon = await rig.start();
    await daemon.join(control.target('t'));
    const before = rig.hands();
    rig.machine.deleteLink('pcloud0');
    before.tun.vanish();
    await advance(clock, 2_000);
    assert.is.not(rig.hands(), before);
    assert.equal(rig.machine.routes().slice(1), ['pcloud0 10.0.0.0/16', `pcloud0 ${RANGE6}`]);
    assert.is(daemon.status().state, 'up');
  }));

test('an interface that cannot be made again is tried for until it can, and no longer than it is wanted', () =>
  withScene(async ({ clock, control, rig }) => {
    const daemon = await rig.start();
    await daemon.join(control.target('t'));
    const vanish = (): void => {
      rig.machine.deleteLink('pcloud0');
      rig.hands().tun.vanish();
    };
    const before = rig.hands();
    rig.refuseHands(3);
    vanish();
    await advance(clock, 3_000);
    assert.is(rig.hands(), before);
    await advance(clock, 3_000);
    const again = rig.hands();
    assert.is.not(again, before);
    rig.refuseHands(3);
    vanish();
    await advance(clock, 2_000);
    await daemon.down();
    await advance(clock, 10_000);
    assert.is(rig.hands(), again);
  }));

test('a new address of the machine is told to the coordinator, one of the mesh is not', () =>
  withScene(async ({ clock, control, rig }) => {
    const daemon = await rig.start();
    await daemon.join(control.target('t'));
    rig.machine.addAddress('eth0', '198.51.100.1/24');
    await advance(clock, 1_000);
    const told = control.sessions[0]!.received.filter((message) => message.kind === 'endpoints');
    assert.equal(
      told.map((message) => message.kind === 'endpoints' && message.endpoints),
      [['192.0.2.1:40000', '198.51.100.1:40000']],
    );
  }));

test('leaving forgets the network and keeps the keys', () =>
  withScene(async ({ control, rig }) => {
    const daemon = await rig.start();
    await daemon.join(control.target('t'));
    const key = readFileSync(join(rig.directory, 'state', 'machine.key'), 'utf8');
    await daemon.down();
    const { askDaemon } = await import('../src/mesh/api/client.ts');
    await askDaemon(join(rig.directory, 'run'), { method: 'POST', path: '/logout' });
    assert.is(daemon.status().state, 'none');
    assert.equal(
      readdirSync(join(rig.directory, 'state')).filter((name) => /json$/.test(name)),
      [],
    );
    assert.is(readFileSync(join(rig.directory, 'state', 'machine.key'), 'utf8'), key);
    assert.is((await daemon.join(createFakeControl(1).target('t'))).kind, 'joined');
  }));

test('the key of a peer is in no status', () =>
  withScene(async ({ control, rig }) => {
    const daemon = await rig.start();
    await daemon.join(control.target('t'));
    assert.not.match(JSON.stringify(daemon.status()), encodeBase64(OTHER_KEY));
  }));

test.run();
