/** A coordinator that is away for ten minutes: what is there goes on, and what restarts finds its way from disk. */
import { type NetworkMap, writeMapMessage } from '@pcloud/netmap';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { MeshDaemon } from '../src/mesh/start.ts';
import { createFakeClock, type FakeClock } from '../src/testing/fake-clock.ts';
import { createFakeControl, createMap, createNode, type FakeControl, settle } from '../src/testing/fake-control.ts';
import { createMemoryNetwork, type MemoryNetwork } from '../src/testing/memory-bind.ts';
import { createMeshRig, type MeshRig } from '../src/testing/mesh-rig.ts';

interface Scene {
  readonly clock: FakeClock;
  readonly control: FakeControl;
  readonly network: MemoryNetwork;
  readonly rigs: readonly MeshRig[];
  readonly daemons: MeshDaemon[];
}

const AWAY_MS = 10 * 60_000;
const STEP_MS = 1_000;
/** A try is due every 30 s. */
const BACK_LIMIT_MS = 31_000;

/** Two nodes that a coordinator has told of each other. */
async function withTwo(act: (scene: Scene) => Promise<void>): Promise<void> {
  const clock = createFakeClock();
  const control = createFakeControl();
  const network = createMemoryNetwork();
  const rigs = [1, 2].map((seed) => createMeshRig({ clock, control, network, address: `192.0.2.${seed}`, seed }));
  const keys: string[] = [];
  const endpoints = ['192.0.2.1:40000', '192.0.2.2:40000'];
  control.admit = (session, { nodeKey }) => {
    if (!keys.includes(nodeKey)) keys.push(nodeKey);
    const self = keys.indexOf(nodeKey);
    const nodes = keys.map((key, at) => createNode(at + 1, Uint8Array.from(Buffer.from(key, 'base64'))));
    const map: NetworkMap = createMap(control, [nodes[self]!, ...nodes.filter((_, at) => at !== self)], {
      revision: keys.length,
    });
    session.send({ kind: 'welcome', nodeId: `n${self + 1}`, program: 'fake' });
    session.send(writeMapMessage(map));
    const others = nodes.flatMap(({ id }, at) =>
      at === self ? [] : [{ id, online: true, endpoints: [endpoints[at]!] }],
    );
    session.send({ kind: 'presence', nodes: others });
  };
  try {
    const daemons: MeshDaemon[] = [];
    for (const rig of rigs) {
      const daemon = await rig.start();
      await daemon.join(control.target('t'));
      daemons.push(daemon);
    }
    // The first has heard of the second once it comes back.
    control.sessions[0]!.close();
    await advance(clock, 2_000);
    await act({ clock, control, network, rigs, daemons });
  } finally {
    for (const rig of rigs) await rig.clean();
  }
}

async function advance(clock: FakeClock, ms: number, each: () => void = () => {}): Promise<void> {
  for (let passed = 0; passed < ms; passed += STEP_MS) {
    clock.advance(STEP_MS);
    each();
    await settle();
  }
}

/** One packet each way, all of which arrive. */
function exchange({ rigs, network }: Scene): void {
  for (const [from, to] of [
    [0, 1],
    [1, 0],
  ] as const) {
    const packet = new Uint8Array(20);
    packet.set([0x45, 0, 0, 20, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, from + 1, 10, 0, 0, to + 1]);
    const { delivered } = rigs[to]!.hands().tun;
    const before = delivered.length;
    rigs[from]!.hands().tun.push(packet);
    network.settle();
    assert.is(delivered.length, before + 1, `from ${from + 1} to ${to + 1}`);
  }
}

function leave(control: FakeControl): void {
  control.isAway = true;
  for (const session of control.sessions) session.close();
}

test('packets go on for as long as the coordinator is away', () =>
  withTwo(async (scene) => {
    const { clock, control, daemons } = scene;
    leave(control);
    await advance(clock, AWAY_MS, () => exchange(scene));
    for (const daemon of daemons) {
      assert.not(daemon.status().coordinator.connected);
      assert.match(daemon.status().coordinator.problem!.message, 'ECONNREFUSED');
    }
    control.isAway = false;
    await advance(clock, BACK_LIMIT_MS, () => exchange(scene));
    for (const daemon of daemons) assert.ok(daemon.status().coordinator.connected);
  }));

test('a daemon that restarts meanwhile reaches its peers by what is on its disk', () =>
  withTwo(async (scene) => {
    const { clock, control, daemons, rigs } = scene;
    exchange(scene);
    leave(control);
    await advance(clock, AWAY_MS / 2);
    for (const [at, rig] of rigs.entries()) {
      await daemons[at]!.close({ keepInterface: true });
      daemons[at] = await rig.start();
      await advance(clock, STEP_MS, () => scene.network.settle());
      exchange(scene);
      await advance(clock, AWAY_MS / 4, () => exchange(scene));
    }
    control.isAway = false;
    await advance(clock, BACK_LIMIT_MS, () => exchange(scene));
    for (const daemon of daemons) {
      assert.ok(daemon.status().coordinator.connected);
      assert.ok(daemon.status().peers.every(({ online, path }) => online && path === 'direct'));
    }
  }));

test('a machine that has the channel back from a twin makes its sessions anew at once', () =>
  withTwo(async (scene) => {
    const { clock, control, network, rigs } = scene;
    exchange(scene);
    // The last to connect was the first node.
    control.sessions.at(-1)!.send({ kind: 'refused', code: 'REPLACED', message: 'newer connection' });
    const { sent } = rigs[0]!.hands().bind;
    const before = sent.length;
    await advance(clock, BACK_LIMIT_MS, () => network.settle());
    assert.ok(
      sent.slice(before).some(({ datagram }) => datagram[0] === 1),
      'an initiation',
    );
  }));

test('a machine that moves meanwhile says so to its peers at once, by a packet', () =>
  withTwo(async (scene) => {
    const { clock, control, network, rigs } = scene;
    exchange(scene);
    leave(control);
    await advance(clock, STEP_MS, () => network.settle());
    const { sent } = rigs[0]!.hands().bind;
    const before = sent.length;
    rigs[0]!.machine.removeAddress('eth0', '192.0.2.1/24');
    rigs[0]!.machine.addAddress('eth0', '198.51.100.1/24');
    await advance(clock, STEP_MS, () => network.settle());
    assert.equal(
      sent.slice(before).map(({ datagram, to }) => [datagram[0], datagram.length, to]),
      [[4, 32, '192.0.2.2:40000']],
      'a keepalive',
    );
  }));

test.run();
