/**
 * Random joins, leaves, renames, key rotations, reconnects and restarts of the coordinator, against a model of
 * who knows whom: after each quiet moment every connected node's map is the model's.
 */
import { randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashMap, parseJoinLink } from '@pcloud/netmap';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Core } from '../../packages/coordinator/src/core.ts';
import type { Actor } from '../../packages/coordinator/src/operations/operation.ts';
import { createMemoryStore, type Store } from '../../packages/coordinator/src/store/index.ts';
import { createFakeTimers, type FakeTimers } from '../../packages/coordinator/src/testing/fake-timers.ts';
import { createMemoryNode, crypto, type MemoryNode } from '../../packages/coordinator/src/testing/memory-control.ts';
import { openMemoryCore } from '../../packages/coordinator/src/testing/memory-core.ts';
import { isFullRun, runSeed } from '../interop/lib/sample.ts';

const ROOT: Actor = { kind: 'root' };
const RUNS = isFullRun ? 400 : 25;
const seed = runSeed();
console.log(`joining: ${RUNS} runs, PCLOUD_TEST_SEED=${seed}`);

/** A machine, and what the model says of it. `name` undefined: no member. */
interface Machine {
  machineKey: Uint8Array;
  nodeKey: Uint8Array;
  name: string | undefined;
  address: string | undefined;
  connection: MemoryNode | undefined;
}

interface World {
  readonly directory: string;
  readonly store: Store;
  readonly clock: FakeTimers;
  core: Core;
  readonly machines: Machine[];
  /** Addresses that somebody has or had: none comes twice within a week. */
  readonly given: Set<string>;
}

type Step =
  | { readonly do: 'join' | 'leave' | 'remove' | 'rotate' | 'disconnect' | 'connect'; readonly who: number }
  | { readonly do: 'rename'; readonly who: number; readonly name: string }
  | { readonly do: 'restart' }
  | { readonly do: 'quiet' };

const who = fc.nat({ max: 7 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('join' as const), who }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('connect' as const, 'disconnect' as const), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('leave' as const, 'remove' as const), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('rotate' as const), who }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('rename' as const), who, name: fc.constantFrom('a', 'b', 'tv', 'pi') }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('quiet' as const) }) },
);

test('after each quiet moment every map is the model of who knows whom', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const world = await createWorld();
      try {
        for (const each of steps) await perform(world, each);
        await rest(world);
        check(world);
      } finally {
        world.core.close();
        await world.store.close();
        rmSync(world.directory, { recursive: true });
      }
    }),
    { numRuns: RUNS, seed: seed | 0 },
  );
});

test.run();

async function createWorld(): Promise<World> {
  const directory = mkdtempSync(join(tmpdir(), 'pcloud-model-'));
  const clock = createFakeTimers();
  const store = createMemoryStore({ clock });
  const machines = Array.from({ length: 8 }, () => ({
    machineKey: fresh(),
    nodeKey: fresh(),
    name: undefined,
    address: undefined,
    connection: undefined,
  }));
  return { directory, store, clock, machines, given: new Set(), core: await openMemoryCore(directory, store, clock) };
}

async function perform(world: World, each: Step): Promise<void> {
  if (each.do === 'quiet') {
    await rest(world);
    check(world);
    return;
  }
  if (each.do === 'restart') {
    world.core.close();
    await settle();
    world.core = await openMemoryCore(world.directory, world.store, world.clock);
    for (const machine of world.machines) if (machine.connection !== undefined) connect(world, machine);
    await settle();
    return;
  }
  const machine = world.machines[each.who]!;
  const isMember = machine.name !== undefined;
  if (each.do === 'join' && !isMember) await joinAnew(world, machine);
  else if (!isMember) return;
  else if (each.do === 'connect') connect(world, machine);
  else if (each.do === 'disconnect') {
    machine.connection?.disconnect();
    machine.connection = undefined;
  } else if (each.do === 'rotate') {
    machine.nodeKey = fresh();
    connect(world, machine);
  } else if (each.do === 'rename') await rename(world, machine, each.name);
  else if (each.do === 'leave' || each.do === 'remove') await takeOut(world, machine, each.do);
  await settle();
}

async function joinAnew(world: World, machine: Machine): Promise<void> {
  const link = parseJoinLink(await world.core.createJoinLink({}));
  if (link instanceof Error) throw link;
  connect(world, machine, link.token);
  await settle();
  const self = machine.connection!.map!.self;
  const [address] = self.addresses;
  assert.not.ok(world.given.has(address!), `${address} was given before`);
  world.given.add(address!);
  machine.name = self.name;
  machine.address = address;
}

function connect(world: World, machine: Machine, token?: string): void {
  const { machineKey, nodeKey, connection } = machine;
  const known = connection?.map;
  const resume = known && { epoch: known.epoch, revision: known.revision, hash: hashMap(known) };
  machine.connection = createMemoryNode('machine', world.core.control, world.core.network, {
    machineKey,
    nodeKey,
    ephemeral: fresh(),
    token,
    ...(resume && { map: resume }),
  });
  machine.connection.map = known;
}

async function rename(world: World, machine: Machine, name: string): Promise<void> {
  const isTaken = world.machines.some((other) => other !== machine && other.name === name);
  const input = { node: machine.name, name };
  if (isTaken) {
    await world.core.operations.run(ROOT, 'nodes.rename', input).then(
      () => assert.unreachable('the name of another was given'),
      (error: { code: string }) => assert.is(error.code, 'NAME_TAKEN'),
    );
    return;
  }
  await world.core.operations.run(ROOT, 'nodes.rename', input);
  machine.name = name;
}

async function takeOut(world: World, machine: Machine, how: 'leave' | 'remove'): Promise<void> {
  if (how === 'leave' && machine.connection !== undefined) {
    await settle();
    machine.connection.send({ kind: 'request', id: 1, operation: 'nodes.leave', input: {} });
  } else {
    await world.core.operations.run(ROOT, 'nodes.remove', { node: machine.name });
  }
  await settle();
  machine.name = undefined;
  machine.connection = undefined;
}

/** Long enough for every change to have reached everybody. */
async function rest(world: World): Promise<void> {
  for (let i = 0; i < 10; i++) {
    await settle();
    world.clock.advance(50);
  }
  await settle();
}

function check(world: World): void {
  const members = world.machines.filter((machine) => machine.name !== undefined);
  assert.is(world.core.registry.nodes.size, members.length);
  for (const machine of members) {
    if (machine.connection === undefined) continue;
    const map = machine.connection.map!;
    assert.is(map.self.name, machine.name);
    assert.is(map.self.addresses[0], machine.address);
    const seen = [...map.nodes.values()].map(faceOf).sort();
    const expected = members
      .filter((other) => other !== machine)
      .map(expectedFace)
      .sort();
    assert.equal(seen, expected);
    assert.is(machine.connection.mismatches, 0, 'a delta did not fit');
  }
}

function faceOf(node: { name: string; addresses: readonly string[]; nodeKey: string }): string {
  return `${node.name} ${node.addresses[0]} ${node.nodeKey}`;
}

function expectedFace(machine: Machine): string {
  const nodeKey = Buffer.from(crypto.publicKey(machine.nodeKey)).toString('base64');
  return `${machine.name} ${machine.address} ${nodeKey}`;
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 60; turn++) await new Promise((resolve) => setImmediate(resolve));
}

function fresh(): Uint8Array {
  return randomFillSync(new Uint8Array(32));
}
