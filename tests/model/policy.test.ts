/**
 * Random users, devices, key rotations, expiries, revocations, reconnects and policies against a model: after each quiet moment every
 * connected node's map, filter and presence are what the plain decision over all pairs makes of the policy, and a
 * packet of each port class gets its verdict from the real packet filter.
 */
import { type CompiledPolicy, canonicalJson, type MapNode, type PolicyNode, parseJoinLink } from '@pcloud/netmap';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { RevokedFace } from '../../packages/coordinator/src/operations/nodes.ts';
import { createMemoryNode } from '../../packages/coordinator/src/testing/memory-control.ts';
import { isFullRun, runSeed } from '../interop/lib/sample.ts';
import { applyMap, PROBES, packetOf } from './policy-probes.ts';
import { histories, type Step } from './policy-steps.ts';
import {
  compiledPolicy,
  createWorld,
  fresh,
  type Machine,
  members,
  policyNode,
  publicKey,
  type User,
  type World,
} from './policy-world.ts';

const RUNS = isFullRun ? 1_000 : 80;
const seed = runSeed();
console.log(`policy: ${RUNS} runs, PCLOUD_TEST_SEED=${seed}`);

/** Longer than changes are gathered; and than who is gone still counts as there. */
const REST_MS = 500;
const LONG_REST_MS = 4_000;

const counts: Record<string, number> = {};

test('after each quiet moment maps, filters, presence and probes are what the model says', async () => {
  await fc.assert(
    fc.asyncProperty(histories, async (steps) => {
      const world = await createWorld();
      try {
        for (const step of steps) {
          await perform(world, step);
          await world.settle();
        }
        await world.rest(LONG_REST_MS);
        check(world);
        checkAway(world);
      } finally {
        await world.close();
      }
    }),
    { numRuns: RUNS, seed: seed | 0, includeErrorInReport: true },
  );
  for (const [what, least] of Object.entries({
    seen: 50,
    unseen: 50,
    allowed: 50,
    refused: 50,
    resumed: 50,
    expired: 5,
    revoked: 5,
  })) {
    assert.ok((counts[what] ?? 0) >= least, `${what}: ${counts[what]}`);
  }
});

test.run();

async function perform(world: World, step: Step): Promise<void> {
  switch (step.do) {
    case 'quiet':
      await world.rest(REST_MS);
      check(world);
      return;
    case 'restart':
      await world.restart();
      for (const machine of members(world)) if (machine.connection !== undefined) reconnect(world, machine);
      return;
    case 'policy':
      if (world.policy === step.text) return;
      assert.not.type(await world.run('policy.set', { text: step.text }), 'string');
      world.policy = step.text;
      return;
    case 'add-user':
    case 'disable-user':
    case 'enable-user':
    case 'remove-user':
    case 'set-role':
      await changeUser(world, step);
      return;
    default:
      await changeMachine(world, world.machines[step.who]!, step);
  }
}

async function changeUser(world: World, step: Extract<Step, { user: string; who?: never }>): Promise<void> {
  const user = world.users.get(step.user);
  if (step.do === 'add-user') {
    if (user !== undefined) return;
    await world.run('users.add', { name: step.user, role: 'member', password: 'correct horse' });
    world.users.set(step.user, { name: step.user, role: 'member', disabled: false, removed: false });
    return;
  }
  if (user === undefined) return;
  if (step.do === 'set-role') {
    await world.run('users.set-role', { user: step.user, role: step.role });
    user.role = step.role;
    return;
  }
  await world.run(step.do.replace('-user', '').replace(/^/, 'users.'), { user: step.user });
  if (step.do === 'enable-user') user.disabled = false;
  else {
    if (step.do === 'disable-user') user.disabled = true;
    else {
      user.removed = true;
      world.users.delete(step.user);
    }
    for (const machine of members(world)) if (machine.device.owner === user) hangUp(machine);
  }
}

async function changeMachine(
  world: World,
  machine: Machine,
  step: Extract<Step, { readonly who: number }>,
): Promise<void> {
  const { device } = machine;
  if (step.do === 'join') {
    const user = 'user' in step.owner ? world.users.get(step.owner.user) : undefined;
    const isPossible = !('user' in step.owner) || (user !== undefined && !user.disabled);
    if (device === undefined && isPossible) await world.join(machine, step.owner);
    return;
  }
  if (device === undefined) return;
  switch (step.do) {
    case 'connect':
      reconnect(world, machine, step.map);
      return;
    case 'disconnect':
      hangUp(machine);
      return;
    case 'rotate':
      if (isLockedOut(device.owner)) return;
      machine.nodeKey = fresh();
      reconnect(world, machine);
      return;
    case 'rename': {
      const isTaken = members(world).some((other) => other !== machine && other.device.name === step.name);
      const result = await world.run('nodes.rename', { node: device.name, name: step.name });
      assert.is(result === 'NAME_TAKEN', isTaken);
      if (!isTaken) device.name = step.name;
      return;
    }
    case 'adopt': {
      const user = world.users.get(step.user);
      const isFree = device.owner === undefined || device.owner.removed;
      const isOwnable = device.role === 'client' && device.tags.length === 0;
      const result = await world.run('nodes.adopt', { node: device.name, user: step.user });
      const isDone = user !== undefined && !user.disabled && isOwnable && (isFree || device.owner === user);
      assert.is(typeof result !== 'string', isDone, `adopt: ${result}`);
      if (isDone) device.owner = user;
      return;
    }
    case 'expire':
    case 'renew': {
      const input = { node: device.name, ...(step.do === 'expire' && { in: 0 }) };
      const result = await world.run(`nodes.${step.do}`, input);
      const isPossible = device.role === 'client' && device.tags.length === 0;
      assert.is(typeof result !== 'string', isPossible, `${step.do}: ${result}`);
      if (isPossible) device.isExpired = step.do === 'expire';
      return;
    }
    case 'revoke': {
      const told = (await world.run('nodes.remove', { node: device.name, revoke: true })) as RevokedFace;
      assert.equal(told.unconfirmed, { names: [], others: 0 });
      world.revoked.push(device.id);
      await refuseRevoked(world, machine);
      machine.device = undefined;
      machine.connection = undefined;
      // Who has it now has to begin anew, as another device.
      machine.machineKey = fresh();
      machine.nodeKey = fresh();
      return;
    }
    case 'leave':
    case 'remove':
      await world.settle();
      if (step.do === 'leave' && machine.connection !== undefined) {
        machine.connection.send({ kind: 'request', id: 1, operation: 'nodes.leave', input: {} });
      } else await world.run('nodes.remove', { node: device.name });
      machine.device = undefined;
      machine.connection = undefined;
  }
}

/** Neither of its keys gets a machine in, with the best of links. */
async function refuseRevoked(world: World, { machineKey, nodeKey }: Machine): Promise<void> {
  for (const keys of [
    { machineKey, nodeKey: fresh() },
    { machineKey: fresh(), nodeKey },
  ]) {
    const link = parseJoinLink(await world.core.createJoinLink({}));
    assert.ok(!(link instanceof Error));
    const options = { ...keys, ephemeral: fresh(), token: link.token };
    const thief = createMemoryNode('thief', world.core.control, world.core.network, options);
    await world.settle();
    assert.ok(thief.last('refused'), 'a key that was revoked was let in');
    count('revoked');
  }
}

function hangUp(machine: Machine): void {
  keepMap(machine);
  machine.connection?.disconnect();
  machine.connection = undefined;
}

function keepMap({ connection, maps }: Machine): void {
  const map = connection?.map;
  if (map !== undefined && maps.at(-1) !== map) maps.push(map);
}

/** Whom the door does not let in. */
function isLockedOut(owner: User | undefined): boolean {
  return owner?.disabled === true && !owner.removed;
}

function reconnect(world: World, machine: Machine, which: 'newest' | 'oldest' | 'none' = 'newest'): void {
  keepMap(machine);
  const { maps } = machine;
  const map = which === 'newest' ? maps.at(-1) : which === 'oldest' ? maps[0] : undefined;
  world.connect(machine, map);
  if (map !== undefined) count('resumed');
  if (isLockedOut(machine.device!.owner)) machine.connection = undefined;
}

function count(what: string): void {
  counts[what] = (counts[what] ?? 0) + 1;
}

/** Whether a flow of some kind may begin from one to the other. */
function reaches(policy: CompiledPolicy, src: PolicyNode, dst: PolicyNode): boolean {
  return PROBES.some(({ protocol, port }) => policy.decide(src, dst, protocol, port).allowed);
}

function check(world: World): void {
  const policy = compiledPolicy(world);
  const all = members(world);
  assert.is(world.core.registry.nodes.size, all.length);
  for (const machine of all) {
    const { connection, device } = machine;
    if (connection === undefined) continue;
    const self = policyNode(device);
    const others = all.filter((other) => other !== machine);
    const seen = others.filter(({ device: other }) => {
      if (device.isExpired || other.isExpired) return false;
      if (policy === undefined) return true;
      const node = policyNode(other);
      return reaches(policy, self, node) || reaches(policy, node, self);
    });
    count(seen.length === others.length ? 'seen' : 'unseen');
    const map = connection.map!;
    assert.not.ok(connection.isClosed, `${device.name} is not connected`);
    assert.is(line(map.self), line(face(machine)));
    const [had, due] = [[...map.nodes.values()].map(line).sort(), seen.map(face).map(line).sort()];
    assert.equal(had, due, `the map of ${device.name} has\n${had.join('\n')}\nand not\n${due.join('\n')}`);
    const filter = device.isExpired && policy ? [] : policy?.filterFor(policy.classOf(self));
    assert.is(text(map.filter), text(filter), `the filter of ${device.name}`);
    assert.is(connection.last('key')?.isExpired, device.isExpired, `what ${device.name} was told of its key`);
    const revoked = connection.revocations.entries.map(({ nodeId }) => nodeId);
    assert.equal([...revoked].sort(), [...world.revoked].sort(), `what was revoked, as ${device.name} has it`);
    if (device.isExpired) count('expired');
    assert.is(connection.mismatches, 0, `a delta of ${device.name} did not fit`);
    assert.is(connection.strangers, 0, `${device.name} was told where a node is that it does not see`);
    for (const { device: other, connection: its } of seen) {
      if (its !== undefined) assert.ok(connection.presence.get(other.id)?.online, `${other.name} seems to be away`);
    }
    probe(world, machine, policy);
  }
}

/** Those who are gone for long do not seem to be there. */
function checkAway(world: World): void {
  const away = members(world).filter(({ connection }) => connection === undefined);
  for (const { connection } of members(world)) {
    for (const { device } of away) assert.not.ok(connection?.presence.get(device.id)?.online, `${device.name} is away`);
  }
}

function probe(world: World, machine: Machine, policy: CompiledPolicy | undefined): void {
  const { filter, connection, device } = machine;
  const slots = applyMap(filter, connection!.map!, world.clock.now());
  const dst = policyNode(device!);
  for (const { device: other } of members(world)) {
    if (other === device) continue;
    const src = policyNode(other);
    const slot = slots.get(other.id);
    for (const each of PROBES) {
      const isOut = device!.isExpired || other.isExpired;
      const isByPolicy = policy === undefined || policy.decide(src, dst, each.protocol, each.port).allowed;
      const isAllowed = isByPolicy && !isOut;
      count(isAllowed ? 'allowed' : 'refused');
      if (slot === undefined) {
        assert.not.ok(isAllowed);
        continue;
      }
      const packet = packetOf(each, other.addresses, dst.addresses);
      const verdict = filter.inbound(slot, packet, 0, packet.length, world.clock.now());
      assert.is(verdict === 'pass', isAllowed, `${src.name} to ${dst.name}, ${JSON.stringify(each)}: ${verdict}`);
    }
  }
}

function face(machine: Machine): MapNode {
  const { routes: _, ...node } = policyNode(machine.device!);
  return { ...node, nodeKey: publicKey(machine) };
}

function text(filter: unknown): string {
  return filter === undefined ? 'none' : canonicalJson(filter as object);
}

/** Names first. */
function line({ name, ...rest }: MapNode): string {
  return `${name} ${canonicalJson(rest)}`;
}
