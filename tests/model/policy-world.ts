/** A coordinator without sockets, machines that talk to it, and what the model says of both. */
import { randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type CompiledPolicy,
  compilePolicy,
  hashMap,
  type NetworkMap,
  type PolicyNode,
  parseJoinLink,
  parsePolicy,
} from '@pcloud/netmap';
import * as assert from 'uvu/assert';
import type { Core } from '../../packages/coordinator/src/core.ts';
import { GONE_USER } from '../../packages/coordinator/src/nodes/registry.ts';
import type { Actor } from '../../packages/coordinator/src/operations/operation.ts';
import { createMemoryStore, type Store } from '../../packages/coordinator/src/store/index.ts';
import { createFakeTimers, type FakeTimers } from '../../packages/coordinator/src/testing/fake-timers.ts';
import { createMemoryNode, crypto, type MemoryNode } from '../../packages/coordinator/src/testing/memory-control.ts';
import { openMemoryCore } from '../../packages/coordinator/src/testing/memory-core.ts';
import { createMeshFilter, type MeshFilter } from '../../packages/daemon/src/mesh/peers/mesh-filter.ts';
import { MACHINES, type Owner, USERS } from './policy-steps.ts';

export interface User {
  readonly name: string;
  role: 'owner' | 'admin' | 'member';
  disabled: boolean;
  removed: boolean;
}

/** A device that is a member, as the model has it. */
export interface Device {
  readonly id: string;
  readonly addresses: readonly string[];
  readonly tags: readonly string[];
  readonly role: 'server' | 'client';
  name: string;
  owner: User | undefined;
  /** Its key has expired. */
  isExpired: boolean;
}

export interface Machine {
  machineKey: Uint8Array;
  nodeKey: Uint8Array;
  /** Undefined: no member. */
  device: Device | undefined;
  connection: MemoryNode | undefined;
  /** Maps that it had since it joined. */
  readonly maps: NetworkMap[];
  filter: MeshFilter;
}

export interface World {
  readonly core: Core;
  readonly clock: FakeTimers;
  readonly machines: readonly Machine[];
  /** By name; those who were removed are out of it. */
  readonly users: Map<string, User>;
  policy: string | undefined;
  /** Ids of devices that were taken out for good. */
  readonly revoked: string[];
  /** An operation on root's word. @returns its result, or the code of its refusal */
  run(operation: string, input: object): Promise<unknown>;
  join(machine: Machine, owner: Owner): Promise<void>;
  connect(machine: Machine, map: NetworkMap | undefined): void;
  restart(): Promise<void>;
  /** Lets all that is under way be done; with time for what is gathered. */
  settle(): Promise<void>;
  rest(ms: number): Promise<void>;
  close(): Promise<void>;
}

const ROOT: Actor = { kind: 'root' };

export async function createWorld(): Promise<World> {
  const directory = mkdtempSync(join(tmpdir(), 'pcloud-model-'));
  const clock = createFakeTimers();
  const store: Store = createMemoryStore({ clock });
  let core = await openMemoryCore(directory, store, clock);

  function connect(machine: Machine, map: NetworkMap | undefined, token?: string): void {
    const { machineKey, nodeKey } = machine;
    const resume = map && { epoch: map.epoch, revision: map.revision, hash: hashMap(map) };
    machine.connection = createMemoryNode('machine', core.control, core.network, {
      machineKey,
      nodeKey,
      ephemeral: fresh(),
      token,
      ...(resume && { map: resume }),
    });
    machine.connection.map = map;
  }

  async function linkFor(owner: Owner): Promise<string> {
    // An invitation is for somebody; whom nobody owns root lets in.
    if (Object.keys(owner).length === 0) return core.createJoinLink({});
    return ((await world.run('invites.create', owner)) as { link: string }).link;
  }

  const world: World = {
    get core() {
      return core;
    },
    clock,
    machines: Array.from({ length: MACHINES }, createMachine),
    users: new Map(),
    policy: undefined,
    revoked: [],
    run: (operation, input) =>
      core.operations.run(ROOT, operation, input).catch((error: { code?: string }) => {
        if (error.code === undefined) throw error;
        return error.code;
      }),
    async join(machine, owner) {
      const parsed = parseJoinLink(await linkFor(owner));
      if (parsed instanceof Error) throw parsed;
      connect(machine, undefined, parsed.token);
      await world.settle();
      const { id, name, addresses } = machine.connection!.map!.self;
      const { user, tags = [], role = 'client' } = owner as { user?: string; tags?: string[]; role?: 'server' };
      machine.device = {
        id,
        name,
        addresses,
        tags,
        role,
        owner: user === undefined ? undefined : world.users.get(user),
        isExpired: false,
      };
      machine.maps.splice(0);
      machine.filter = createFilter();
    },
    connect,
    async restart() {
      core.close();
      await world.settle();
      core = await openMemoryCore(directory, store, clock);
    },
    async settle() {
      for (let turn = 0; turn < 60; turn++) await new Promise((resolve) => setImmediate(resolve));
    },
    async rest(ms) {
      for (let left = ms; left > 0; left -= 50) {
        await world.settle();
        clock.advance(50);
      }
      await world.settle();
    },
    async close() {
      core.close();
      await store.close();
      rmSync(directory, { recursive: true });
    },
  };
  for (const name of ['ada', ...USERS]) {
    const role = name === 'ada' ? 'owner' : 'member';
    await world.run('users.add', { name, role, password: 'correct horse' });
    world.users.set(name, { name, role, disabled: false, removed: false });
  }
  return world;
}

function createMachine(): Machine {
  return {
    machineKey: fresh(),
    nodeKey: fresh(),
    device: undefined,
    connection: undefined,
    maps: [],
    filter: createFilter(),
  };
}

/** Long after its start, so that it takes up no connections of before. */
function createFilter(): MeshFilter {
  return createMeshFilter(-600_000, 7);
}

export function fresh(): Uint8Array {
  return randomFillSync(new Uint8Array(32));
}

export function members({ machines }: World): (Machine & { device: Device })[] {
  return machines.filter((machine): machine is Machine & { device: Device } => machine.device !== undefined);
}

/** Who is who for the policy. Of a user who was removed nothing is left but that the device is not free. */
export function policyNode({ id, name, tags, role, addresses, owner }: Device): PolicyNode {
  const user = owner === undefined ? '' : owner.removed ? GONE_USER : owner.name;
  return { id, name, user, tags, role, addresses, routes: [] };
}

/** The policy in force, compiled of the model's facts; undefined where nobody has set one. */
export function compiledPolicy(world: World): CompiledPolicy | undefined {
  if (world.policy === undefined) return undefined;
  const parsed = parsePolicy(world.policy);
  assert.ok('policy' in parsed, 'the policy cannot be read');
  const nodes = members(world).map(({ device: { id, name } }) => ({ id, name }));
  return compilePolicy(parsed.policy, { users: [...world.users.values()], nodes });
}

export function publicKey(machine: Machine): string {
  return Buffer.from(crypto.publicKey(machine.nodeKey)).toString('base64');
}
