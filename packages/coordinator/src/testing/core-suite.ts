/** What tests of a whole coordinator without sockets have in common. */
import { randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseJoinLink } from '@pcloud/netmap';
import { suite, type Test } from 'uvu';
import type { UserRecord } from '../accounts/index.ts';
import type { Core } from '../core.ts';
import type { Actor, Role } from '../operations/operation.ts';
import { createMemoryStore, type Store } from '../store/index.ts';
import { createFakeTimers, type FakeTimers } from './fake-timers.ts';
import { createMemoryNode, type MemoryNode, type MemoryNodeOptions } from './memory-control.ts';
import { openMemoryCore } from './memory-core.ts';

export interface CoreContext {
  directory: string;
  store: Store;
  clock: FakeTimers;
  core: Core;
}

export const ROOT: Actor = { kind: 'root' };
export const PASSWORD = 'correct horse battery';

/** A suite whose every test has a coordinator of its own. */
export function coreSuite(name: string): Test<CoreContext> {
  const test = suite<CoreContext>(name);
  test.before.each(async (context) => {
    context.directory = mkdtempSync(join(tmpdir(), 'pcloud-core-'));
    context.clock = createFakeTimers();
    context.store = createMemoryStore({ clock: context.clock });
    context.core = await openMemoryCore(context.directory, context.store, context.clock);
  });
  test.after.each(async ({ core, store, directory }) => {
    core.close();
    await store.close();
    rmSync(directory, { recursive: true });
  });
  return test;
}

export function randomKey(): Uint8Array {
  return randomFillSync(new Uint8Array(32));
}

/** Lets everything that is under way come to rest. */
export async function settle(turns = 100): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export async function advance(clock: FakeTimers, ms: number, stepMs = 50): Promise<void> {
  await settle();
  for (let left = ms; left > 0; left -= stepMs) {
    clock.advance(Math.min(stepMs, left));
    await settle(stepMs > 50 ? 20 : 100);
  }
  await settle();
}

export function tokenOf(link: string): string {
  const parsed = parseJoinLink(link);
  if (parsed instanceof Error) throw parsed;
  return parsed.token;
}

/** A machine that connects, with fresh keys unless it says otherwise. */
export function connectNode(core: Core, name: string, options: MemoryNodeOptions = {}): MemoryNode {
  const keys = { machineKey: randomKey(), nodeKey: randomKey(), ephemeral: randomKey() };
  return createMemoryNode(name, core.control, core.network, { ...keys, ...options });
}

export async function addUser(core: Core, name: string, role: Role): Promise<Actor & { kind: 'user' }> {
  const user = (await core.operations.run(ROOT, 'users.add', { name, role, password: PASSWORD })) as UserRecord;
  return { kind: 'user', userId: user.id, role, via: 'session' };
}

/** A machine that has connected: a new one by a link of root, unless it has a token, or is known by its key. */
export async function joinNode(core: Core, name: string, options: MemoryNodeOptions = {}): Promise<MemoryNode> {
  const isNew = !('token' in options) && options.machineKey === undefined;
  const token = isNew ? tokenOf(await core.createJoinLink({})) : undefined;
  const node = connectNode(core, name, { token, ...options });
  await settle();
  return node;
}

/** The code that a promise is rejected under; `done` when it is not. */
export function codeOf(act: Promise<unknown>): Promise<string> {
  return act.then(
    () => 'done',
    (error: { code: string }) => error.code,
  );
}

/** Names of those in a node's map, sorted. */
export function seenBy(node: MemoryNode): string[] {
  return [...node.map!.nodes.values()].map(({ name }) => name).sort();
}
