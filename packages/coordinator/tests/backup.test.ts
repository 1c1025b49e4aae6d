import { randomFillSync } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeBase64, openServerSet, parseJoinLink, type ServerSet } from '@pcloud/netmap';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { backUp, restore } from '../src/backup/here.ts';
import type { RestoreOptions, Snapshot } from '../src/backup/index.ts';
import type { Core } from '../src/core.ts';
import type { Actor } from '../src/operations/operation.ts';
import { formatKitFile, kitOf } from '../src/recovery/kit.ts';
import { confirmKit, recoveryStatus, takeKit } from '../src/recovery/recovery.ts';
import { formatWords } from '../src/recovery/words.ts';
import { openLevelStore, type Store } from '../src/store/index.ts';
import { actorOf, PASSWORD } from '../src/testing/accounts-rig.ts';
import { createFakeTimers } from '../src/testing/fake-timers.ts';
import {
  createMemoryNode,
  type MemoryNode,
  type MemoryNodeOptions,
  WALL_START_MS,
} from '../src/testing/memory-control.ts';
import { openMemoryCore } from '../src/testing/memory-core.ts';

interface Context {
  directory: string;
  /** Coordinators to end. */
  endings: (() => Promise<void>)[];
}

const ROOT: Actor = { kind: 'root' };
const LATER_MS = WALL_START_MS + 3_600_000;
const test = suite<Context>('backup');

test.before.each((context) => {
  context.directory = mkdtempSync(join(tmpdir(), 'pcloud-backup-'));
  context.endings = [];
});

test.after.each(async ({ directory, endings }) => {
  for (const end of endings) await end();
  rmSync(directory, { recursive: true });
});

const placeOf = ({ directory }: Context, name: string): string => join(directory, name, 'coordinator');

async function open(context: Context, name: string): Promise<{ core: Core; store: Store; close: () => Promise<void> }> {
  const clock = createFakeTimers();
  const stateDir = placeOf(context, name);
  const store = await openLevelStore(join(stateDir, 'store'), { clock });
  const core = await openMemoryCore(stateDir, store, clock);
  const close = async (): Promise<void> => {
    core.close();
    await store.close();
  };
  context.endings.push(close);
  return { core, store, close };
}

async function backup(context: Context, core: Core, name = 'old'): Promise<string> {
  const snapshot = (await core.operations.run(ROOT, 'backup.create', {})) as Snapshot;
  const stateDir = placeOf(context, name);
  const options = { stateDir, deviceDir: join(stateDir, '..'), program: 'test', wallMs: WALL_START_MS };
  return backUp(snapshot, options).text;
}

function putBack(context: Context, text: string, options: Partial<RestoreOptions> = {}, name = 'new') {
  const stateDir = placeOf(context, name);
  return restore(text, { stateDir, deviceDir: join(stateDir, '..'), kit: undefined, wallMs: LATER_MS, ...options });
}

function connect(core: Core, name: string, options: MemoryNodeOptions = {}): MemoryNode {
  const [machineKey, nodeKey, ephemeral] = [1, 2, 3].map(() => randomFillSync(new Uint8Array(32)));
  const keys = { machineKey: machineKey!, nodeKey: nodeKey!, ephemeral: ephemeral! };
  return createMemoryNode(name, core.control, core.network, { ...keys, ...options });
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setTimeout(resolve, 50));
}

async function tokenOf(core: Core): Promise<string> {
  return (parseJoinLink(await core.createJoinLink({})) as { token: string }).token;
}

async function codeOf(act: Promise<unknown>): Promise<string> {
  return act.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? String(error),
  );
}

function setOf(core: Core, previous?: ServerSet): ServerSet {
  const opened = openServerSet(core.network.serverSet, { networkId: core.network.id, previous });
  if (opened.kind === 'refused') throw new Error(opened.code);
  return opened.set;
}

test('a network is put back: users, devices, addresses and policy, and its devices resume without a token', async (context) => {
  const { core, close } = await open(context, 'old');
  const user = await core.accounts.users.create(ROOT, { name: 'ada', role: 'owner', password: PASSWORD });
  await core.operations.run(ROOT, 'policy.set', { text: '{"rules": []}' });
  const laptop = connect(core, 'laptop', { token: await tokenOf(core) });
  await settle();
  const [address] = laptop.map!.self.addresses;
  const before = setOf(core);
  const text = await backup(context, core);
  await close();

  const restored = await putBack(context, text);
  const { core: after } = await open(context, 'new');
  assert.is(restored.epoch, after.network.epoch);
  assert.ok(after.network.epoch > core.network.epoch);
  assert.equal(after.network.id, core.network.id);
  assert.equal(after.network.channelPublic, core.network.channelPublic);
  // A device that saw the set before takes the new one: the root has signed it.
  assert.ok(setOf(after, before).number > before.number);
  assert.equal(setOf(after).servers, before.servers);
  assert.is((await after.accounts.passwords.check('ada', PASSWORD, '192.0.2.1')).id, user.id);
  assert.is(after.registry.policy, '{"rules": []}');

  const { machineKey, nodeKey } = laptop;
  const map = { epoch: laptop.map!.epoch, revision: laptop.map!.revision, hash: 'AAAA' };
  const again = connect(after, 'laptop', {
    machineKey,
    nodeKey,
    token: undefined,
    map: { ...map, hash: laptop.last('map')!.hash },
  });
  await settle();
  assert.is(again.last('refused'), undefined);
  assert.is(again.map!.self.addresses[0], address);
  assert.is(again.map!.epoch, after.network.epoch);
  const [event] = await after.audit.list(1);
  assert.is(event!.action, 'backup.restore');
});

test('sessions, invitations, links, codes and the owner’s link of a backup are void', async (context) => {
  const { core, close } = await open(context, 'old');
  const ownerLink = await core.accounts.ownerLink.issue();
  const user = await core.accounts.users.create(ROOT, { name: 'ada', role: 'admin', password: PASSWORD });
  const session = await core.accounts.sessions.begin(user, { source: '192.0.2.1', program: '' });
  const invitation = await core.accounts.invitations.create(actorOf(user), { role: 'member' });
  const token = await core.tokens.create(actorOf(user), { reusable: true });
  const stranger = connect(core, 'stranger', { token: undefined });
  await settle();
  const { code } = stranger.last('pending')!;
  const text = await backup(context, core);
  await close();

  assert.is((await putBack(context, text)).voided, 5);
  const { accounts, tokens, approvals } = (await open(context, 'new')).core;
  assert.is(await codeOf(accounts.sessions.check(session.secret)), 'SESSION_ENDED');
  assert.is(await codeOf(accounts.invitations.look(invitation.secret)), 'INVITATION_UNKNOWN');
  assert.equal(await tokens.redeem(token.secret), { refusal: 'TOKEN_UNKNOWN' });
  assert.is(await codeOf(approvals.look(ROOT, code)), 'APPROVAL_UNKNOWN');
  assert.is(await codeOf(accounts.ownerLink.look(ownerLink)), 'INVITATION_UNKNOWN');
});

test('what was revoked stays revoked', async (context) => {
  const { core, close } = await open(context, 'old');
  const thief = connect(core, 'thief', { token: await tokenOf(core) });
  await settle();
  await core.operations.run(ROOT, 'nodes.remove', { node: 'thief', revoke: true });
  const text = await backup(context, core);
  await close();
  await putBack(context, text);
  const { core: after } = await open(context, 'new');
  const { machineKey, nodeKey } = thief;
  const again = connect(after, 'thief', { machineKey, nodeKey, token: await tokenOf(after) });
  await settle();
  assert.is(again.last('refused')?.code, 'NODE_REMOVED');
});

test('of two restores of one backup the later has the higher epoch and server set', async (context) => {
  const { core, close } = await open(context, 'old');
  const text = await backup(context, core);
  await close();
  const first = await putBack(context, text);
  const second = await putBack(context, text, { wallMs: LATER_MS + 5_000 }, 'newer');
  assert.ok(second.epoch > first.epoch);
  const sets = await Promise.all(['new', 'newer'].map(async (name) => setOf((await open(context, name)).core)));
  assert.ok(sets[1]!.number > sets[0]!.number);
  // With a clock that is wrong it goes up all the same.
  assert.is((await putBack(context, text, { wallMs: 0 }, 'third')).epoch, core.network.epoch + 1);
});

test('once the kit was taken only the kit opens a backup, as its words or its file', async (context) => {
  const { core, close } = await open(context, 'old');
  const stateDir = placeOf(context, 'old');
  let words = '';
  let file = '';
  assert.match(await backup(context, core), /^sealed no$/m);
  takeKit(stateDir, WALL_START_MS, (kit) => {
    words = formatWords(kit.root);
    file = formatKitFile(kit);
  });
  const taken = await backup(context, core);
  confirmKit(stateDir, words, WALL_START_MS);
  const confirmed = await backup(context, core);
  await close();

  const other = formatWords(new Uint8Array(32).fill(9));
  for (const text of [taken, confirmed]) {
    assert.not.match(text, /^sealed no$/m);
    assert.is(await codeOf(putBack(context, text)), 'KIT_INVALID');
    assert.is(await codeOf(putBack(context, text, { kit: other })), 'KIT_OTHER');
  }
  await putBack(context, taken, { kit: words }, 'taken');
  await putBack(context, confirmed, { kit: file }, 'confirmed');
  assert.is(recoveryStatus(placeOf(context, 'taken')).state, 'taken');
  assert.is(recoveryStatus(placeOf(context, 'confirmed')).state, 'confirmed');
  // The kit has signed it, and is not left behind.
  const place = placeOf(context, 'confirmed');
  assert.equal(readdirSync(place).sort(), ['channel.key', 'recovery.json', 'store']);
  const { core: after } = await open(context, 'confirmed');
  assert.ok(setOf(after, setOf(core)).number > setOf(core).number);
});

test('the server keeps the keys that it has as a device, and no other device is made it', async (context) => {
  const { core, close } = await open(context, 'old');
  const device = join(placeOf(context, 'old'), '..');
  const [machine, node, other] = [1, 2, 3].map((byte) => `${Buffer.alloc(32, byte).toString('base64')}\n`);
  writeFileSync(join(device, 'machine.key'), machine!);
  writeFileSync(join(device, 'node.key'), node!);
  const text = await backup(context, core);
  await close();
  await putBack(context, text);
  const restored = join(placeOf(context, 'new'), '..');
  for (const name of ['machine.key', 'node.key']) assert.is(statSync(join(restored, name)).mode & 0o777, 0o600);

  const taken = join(placeOf(context, 'taken'), '..');
  mkdirSync(taken);
  writeFileSync(join(taken, 'machine.key'), other!);
  assert.is(await codeOf(putBack(context, text, {}, 'taken')), 'STATE_EXISTS');
  assert.equal(readdirSync(taken), ['machine.key']);
  // The same device, whose coordinator alone was lost, is itself.
  writeFileSync(join(taken, 'machine.key'), machine!);
  await putBack(context, text, {}, 'taken');
});

test('a network is put back where there is none, whole or not at all', async (context) => {
  const { core, close } = await open(context, 'old');
  const text = await backup(context, core);
  await close();
  assert.is(await codeOf(putBack(context, text, {}, 'old')), 'STATE_EXISTS');
  // What an interrupted one left is no hindrance.
  const draft = `${placeOf(context, 'new')}.restoring`;
  mkdirSync(join(draft, 'store'), { recursive: true });
  writeFileSync(join(draft, 'store', 'CURRENT'), 'half');
  await putBack(context, text);
  assert.not.ok(existsSync(draft));
  assert.is(statSync(placeOf(context, 'new')).mode & 0o777, 0o700);
});

test('a backup that was cut, altered or made by a newer program is refused, and says so', async (context) => {
  const { core, close } = await open(context, 'old');
  const text = await backup(context, core);
  await close();
  const half = Math.floor(text.length / 2);
  const flipped = `${text.slice(0, half)}${text[half] === 'A' ? 'B' : 'A'}${text.slice(half + 1)}`;
  for (const [altered, why] of [
    ['', 'it is none'],
    ['hello\n', 'it is none'],
    [text.slice(0, half), 'cut short or altered'],
    [flipped, 'cut short or altered'],
    [text.replace(/^network \S+/m, 'network aaaa'), 'cut short or altered'],
    [text.replace('pcloud-backup 1', 'pcloud-backup 2'), 'newer than this program'],
  ] as const) {
    const failure = await putBack(context, altered).catch((error: Error & { code: string }) => error);
    assert.instance(failure, Error);
    assert.is((failure as Error & { code: string }).code, 'BACKUP_INVALID');
    assert.match((failure as Error).message, why);
  }
  assert.not.ok(existsSync(placeOf(context, 'new')));
  await putBack(context, text.replaceAll('\n', '\r\n'));
});

test('another root than the network’s own puts nothing back', async (context) => {
  const { core, close } = await open(context, 'old');
  const kit = kitOf(new Uint8Array(32).fill(5));
  const text = await backup(context, core);
  await close();
  assert.is(await codeOf(putBack(context, text, { kit: formatKitFile(kit) })), 'KIT_OTHER');
});

test('an owner who is not root on the server is given no backup', async (context) => {
  const { core } = await open(context, 'old');
  const user = await core.accounts.users.create(ROOT, { name: 'ada', role: 'owner', password: PASSWORD });
  assert.is(await codeOf(core.operations.run(actorOf(user), 'backup.create', {})), 'FORBIDDEN');
});

test('a backup amid changes is of one moment', async (context) => {
  const { core, store } = await open(context, 'old');
  const key = (name: string): Uint8Array => Buffer.from(`t/${name}`);
  const commits = Array.from({ length: 200 }, (_, round) =>
    store.commit({
      compare: [],
      put: ['a', 'b'].map((name) => ({ key: key(name), value: Buffer.from(`${round}`) })),
    }),
  );
  const snapshot = (await core.operations.run(ROOT, 'backup.create', {})) as Snapshot;
  await Promise.all(commits);
  const found = snapshot.entries
    .map(([name, value]) => [Buffer.from(name, 'base64').toString(), Buffer.from(decodeBase64(value)!).toString()])
    .filter(([name]) => name!.startsWith('t/'));
  assert.is(found.length, 2);
  assert.is(found[0]![1], found[1]![1]);
});

test.run();
