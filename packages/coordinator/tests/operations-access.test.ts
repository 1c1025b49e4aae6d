/** Who may do what to whose: by the table of operations itself, so that a new one is missed by no test here. */
import { randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_POLICY, decodeNodeMessage, encodeMessage, parseJoinLink } from '@pcloud/netmap';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { userPaths } from '../src/accounts/index.ts';
import type { Core } from '../src/core.ts';
import type { Actor, Role } from '../src/operations/operation.ts';
import { createMemoryStore } from '../src/store/index.ts';
import { actorOf } from '../src/testing/accounts-rig.ts';
import { createFakeTimers } from '../src/testing/fake-timers.ts';
import { createHeldStore, type HeldStore } from '../src/testing/held-store.ts';
import { createMemoryNode } from '../src/testing/memory-control.ts';
import { openMemoryCore } from '../src/testing/memory-core.ts';

type Name = 'olga' | 'otto' | 'adam' | 'mia' | 'max';

/** A network with two owners, an admin and two members, and something of everybody's. */
interface World {
  readonly core: Core;
  readonly store: HeldStore;
  readonly actors: Readonly<Record<Name, Actor & { kind: 'user' }>>;
  /** Ids. */
  readonly session: Readonly<Record<Name, string>>;
  readonly token: Readonly<Record<Name, string>>;
  readonly invitation: Readonly<Record<'otto' | 'adam', string>>;
  /** That a machine shows. */
  readonly code: string;
  /** What nobody may ever be shown again. */
  readonly secrets: readonly string[];
}

type Refusal = readonly [who: Name, input: (world: World) => object, code: string];

interface Case {
  /** What otto, an owner, may do; undefined where even he cannot. */
  readonly good: ((world: World) => object) | undefined;
  readonly refused: readonly Refusal[];
}

const PASSWORD = 'a password of many words';
const ROLES: Readonly<Record<Name, Role>> = {
  olga: 'owner',
  otto: 'owner',
  adam: 'admin',
  mia: 'member',
  max: 'member',
};
const POLICY = DEFAULT_POLICY;
const NOTE = { action: 'recovery.take' };
const nothing = (): object => ({});
const of =
  (user: Name, more: object = {}) =>
  (): object => ({ user, ...more });

/** One of each operation, and all that somebody could try it on who may not. */
const CASES: Readonly<Record<string, Case>> = {
  'users.list': { good: nothing, refused: [] },
  'users.add': {
    good: () => ({ name: 'new', role: 'member', password: PASSWORD }),
    refused: [
      ['mia', () => ({ name: 'new', role: 'member', password: PASSWORD }), 'FORBIDDEN'],
      ['adam', () => ({ name: 'new', role: 'owner', password: PASSWORD }), 'FORBIDDEN'],
    ],
  },
  'users.set-role': {
    good: of('max', { role: 'admin' }),
    refused: [
      ['mia', of('mia', { role: 'owner' }), 'FORBIDDEN'],
      ['mia', of('max', { role: 'member' }), 'FORBIDDEN'],
      ['adam', of('adam', { role: 'owner' }), 'FORBIDDEN'],
      ['adam', of('mia', { role: 'owner' }), 'FORBIDDEN'],
      ['adam', of('otto', { role: 'member' }), 'FORBIDDEN'],
    ],
  },
  'users.disable': {
    good: of('max'),
    refused: [
      ['mia', of('max'), 'FORBIDDEN'],
      ['adam', of('otto'), 'FORBIDDEN'],
    ],
  },
  'users.enable': {
    good: of('max'),
    refused: [
      ['mia', of('mia'), 'FORBIDDEN'],
      ['adam', of('otto'), 'FORBIDDEN'],
    ],
  },
  'users.remove': {
    good: of('max'),
    refused: [
      ['mia', of('max'), 'FORBIDDEN'],
      ['adam', of('otto'), 'FORBIDDEN'],
    ],
  },
  'invitations.create': {
    good: () => ({ role: 'owner' }),
    refused: [
      ['mia', nothing, 'FORBIDDEN'],
      ['adam', () => ({ role: 'owner' }), 'FORBIDDEN'],
    ],
  },
  'invitations.list': { good: nothing, refused: [['mia', nothing, 'FORBIDDEN']] },
  'invitations.revoke': {
    good: ({ invitation }) => ({ id: invitation.adam }),
    refused: [
      ['mia', ({ invitation }) => ({ id: invitation.adam }), 'FORBIDDEN'],
      ['adam', ({ invitation }) => ({ id: invitation.otto }), 'INVITATION_UNKNOWN'],
    ],
  },
  // There are owners already.
  'owner-link.create': {
    good: undefined,
    refused: [
      ['mia', nothing, 'FORBIDDEN'],
      ['adam', nothing, 'FORBIDDEN'],
      ['otto', nothing, 'OWNER_EXISTS'],
    ],
  },
  'sessions.list': {
    good: of('max'),
    refused: [
      ['mia', of('max'), 'FORBIDDEN'],
      ['adam', of('otto'), 'FORBIDDEN'],
    ],
  },
  'sessions.revoke': {
    good: ({ session }) => ({ id: session.max }),
    refused: [
      ['mia', ({ session }) => ({ id: session.max }), 'SESSION_UNKNOWN'],
      ['adam', ({ session }) => ({ id: session.otto }), 'SESSION_UNKNOWN'],
    ],
  },
  'invites.create': {
    good: () => ({ role: 'server', address: '10.0.7.7' }),
    refused: [
      ['mia', of('max'), 'FORBIDDEN'],
      ['mia', () => ({ tags: ['ci'] }), 'FORBIDDEN'],
      ['mia', () => ({ address: '10.0.7.7' }), 'FORBIDDEN'],
      ['mia', () => ({ role: 'server' }), 'FORBIDDEN'],
      ['adam', () => ({ role: 'server' }), 'FORBIDDEN'],
      ['adam', of('otto'), 'FORBIDDEN'],
    ],
  },
  'tokens.list': { good: nothing, refused: [] },
  'tokens.revoke': {
    good: ({ token }) => ({ id: token.max }),
    refused: [
      ['mia', ({ token }) => ({ id: token.max }), 'TOKEN_UNKNOWN'],
      ['adam', ({ token }) => ({ id: token.otto }), 'TOKEN_UNKNOWN'],
    ],
  },
  // Whoever knows the code may: it is shown on the machine itself.
  'approvals.look': {
    good: ({ code }) => ({ code }),
    refused: [['mia', () => ({ code: 'BCDF-GHJK' }), 'APPROVAL_UNKNOWN']],
  },
  'approvals.approve': {
    good: ({ code }) => ({ code, tags: ['ci'] }),
    refused: [
      ['mia', ({ code }) => ({ code, tags: ['ci'] }), 'FORBIDDEN'],
      ['mia', () => ({ code: 'BCDF-GHJK' }), 'APPROVAL_UNKNOWN'],
    ],
  },
  'approvals.deny': {
    good: ({ code }) => ({ code }),
    refused: [['mia', () => ({ code: 'BCDF-GHJK' }), 'APPROVAL_UNKNOWN']],
  },
  'nodes.list': { good: nothing, refused: [] },
  'nodes.rename': {
    good: () => ({ node: 'of-max', name: 'other' }),
    refused: [
      ['mia', () => ({ node: 'of-max', name: 'mine' }), 'FORBIDDEN'],
      ['mia', () => ({ node: 'nobodys', name: 'mine' }), 'FORBIDDEN'],
    ],
  },
  'nodes.adopt': {
    good: () => ({ node: 'nobodys' }),
    refused: [
      ['mia', () => ({ node: 'nobodys' }), 'FORBIDDEN'],
      ['adam', () => ({ node: 'nobodys' }), 'FORBIDDEN'],
      ['otto', () => ({ node: 'of-max' }), 'NODE_OWNED'],
    ],
  },
  'nodes.remove': {
    good: () => ({ node: 'of-max', revoke: true }),
    refused: [
      ['mia', () => ({ node: 'of-max' }), 'FORBIDDEN'],
      ['mia', () => ({ node: 'nobodys', revoke: true }), 'FORBIDDEN'],
    ],
  },
  'nodes.expire': {
    good: () => ({ node: 'of-max', in: 'never' }),
    refused: [
      ['mia', () => ({ node: 'of-max', in: 0 }), 'FORBIDDEN'],
      ['mia', () => ({ node: 'nobodys', in: 0 }), 'FORBIDDEN'],
      // Longer than the network says is for admins, whosever it is.
      ['max', () => ({ node: 'of-max', in: 'never' }), 'FORBIDDEN'],
    ],
  },
  'nodes.renew': {
    good: () => ({ node: 'of-max' }),
    refused: [
      ['mia', () => ({ node: 'of-max' }), 'FORBIDDEN'],
      ['mia', () => ({ node: 'nobodys' }), 'FORBIDDEN'],
    ],
  },
  whois: { good: () => ({ node: 'of-max' }), refused: [] },
  'network.get': { good: nothing, refused: [] },
  'network.set': {
    good: () => ({ keyLifeMs: 86_400_000 }),
    refused: [['mia', () => ({ keyLifeMs: null }), 'FORBIDDEN']],
  },
  'network.counters': { good: nothing, refused: [['mia', nothing, 'FORBIDDEN']] },
  'policy.get': { good: nothing, refused: [['mia', nothing, 'FORBIDDEN']] },
  'policy.check': { good: () => ({ text: POLICY }), refused: [['mia', () => ({ text: POLICY }), 'FORBIDDEN']] },
  'policy.set': {
    good: () => ({ text: POLICY }),
    refused: [
      ['mia', () => ({ text: POLICY }), 'FORBIDDEN'],
      ['adam', () => ({ text: POLICY, revision: 1 }), 'CONFLICT'],
      ['adam', () => ({ text: 'nonsense: [' }), 'POLICY_INVALID'],
    ],
  },
  'policy.test': { good: nothing, refused: [['mia', nothing, 'FORBIDDEN']] },
  'policy.trace': {
    good: () => ({ from: 'of-max', to: 'of-mia', port: 22 }),
    refused: [['mia', () => ({ from: 'of-max', to: 'of-mia', port: 22 }), 'FORBIDDEN']],
  },
  // For root on the server alone.
  'backup.create': {
    good: undefined,
    refused: [
      ['adam', nothing, 'FORBIDDEN'],
      ['otto', nothing, 'FORBIDDEN'],
    ],
  },
  'recovery.note': {
    good: undefined,
    refused: [
      ['adam', () => NOTE, 'FORBIDDEN'],
      ['otto', () => NOTE, 'FORBIDDEN'],
    ],
  },
  'audit.list': { good: nothing, refused: [['mia', nothing, 'FORBIDDEN']] },
};

const test = suite<{ directory: string; world: World; close: () => Promise<void> }>('access to operations');

test.before.each(async (context) => {
  context.directory = mkdtempSync(join(tmpdir(), 'pcloud-access-'));
  const clock = createFakeTimers();
  const store = createHeldStore(createMemoryStore({ clock }));
  const core = await openMemoryCore(context.directory, store, clock);
  context.world = await populate(core, store);
  context.close = async () => {
    core.close();
    await store.close();
  };
});

test.after.each(async ({ directory, close }) => {
  await close();
  rmSync(directory, { recursive: true });
});

async function populate(core: Core, store: HeldStore): Promise<World> {
  const names = Object.keys(ROLES) as Name[];
  const secrets = [PASSWORD];
  const actors: Partial<Record<Name, Actor & { kind: 'user' }>> = {};
  const session: Partial<Record<Name, string>> = {};
  const token: Partial<Record<Name, string>> = {};
  const root: Actor = { kind: 'root' };
  const connect = (name: string, secret: string | undefined) => {
    const [machineKey, nodeKey, ephemeral] = [1, 2, 3].map(() => randomFillSync(new Uint8Array(32)));
    const keys = { machineKey: machineKey!, nodeKey: nodeKey!, ephemeral: ephemeral! };
    return createMemoryNode(name, core.control, core.network, { ...keys, token: secret });
  };
  for (const name of names) {
    const user = await core.accounts.users.create(root, { name, role: ROLES[name], password: PASSWORD });
    actors[name] = actorOf(user);
    const begun = await core.accounts.sessions.begin(user, { source: '192.0.2.1', program: 'test' });
    session[name] = begun.session.id;
    const made = await core.tokens.create(actorOf(user), {});
    token[name] = made.token.id;
    const device = await core.tokens.create(actorOf(user), {});
    connect(`of-${name}`, device.secret);
    secrets.push(begun.secret, made.secret, device.secret);
  }
  const link = parseJoinLink(await core.createJoinLink({}));
  connect('nobodys', (link as { token: string }).token);
  const machine = connect('stranger', undefined);
  const invitations = await Promise.all(
    (['otto', 'adam'] as const).map((name) => core.accounts.invitations.create(actors[name]!, { role: 'member' })),
  );
  await settle();
  return {
    core,
    store,
    actors: actors as World['actors'],
    session: session as World['session'],
    token: token as World['token'],
    invitation: { otto: invitations[0]!.invitation.id, adam: invitations[1]!.invitation.id },
    code: machine.last('pending')!.code,
    secrets: [...secrets, ...invitations.map(({ secret }) => secret)],
  };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
}

async function codeOf(act: Promise<unknown>): Promise<string> {
  return act.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? String(error),
  );
}

function namesOf({ core }: World): string[] {
  return core.operations.names().map(({ name }) => name);
}

test('class 2: every operation has a case here', ({ world }) => {
  assert.equal(namesOf(world).sort(), Object.keys(CASES).sort());
});

test('class 2: nobody gets at what is another’s by its name or its id, and trying changes nothing', async ({
  world,
}) => {
  const { core, store, actors } = world;
  for (const [name, { refused }] of Object.entries(CASES)) {
    for (const [who, input, code] of refused) {
      const before = store.revision;
      const found = await codeOf(core.operations.run(actors[who], name, input(world)));
      assert.is(found, code, `${name} ${JSON.stringify(input(world))} by ${who}`);
      assert.is(store.revision, before, `${name} by ${who} changed something`);
    }
  }
});

test('class 2: lists hold what is one’s own, and what is of those whom one manages', async ({ world }) => {
  const { core, actors, token, session, invitation } = world;
  const idsOf = async (who: Name, operation: string, input: object = {}): Promise<string[]> =>
    ((await core.operations.run(actors[who], operation, input)) as { id: string }[]).map(({ id }) => id).sort();
  assert.equal(await idsOf('mia', 'tokens.list'), [token.mia]);
  const managed = [token.adam, token.mia, token.max].sort();
  assert.equal(await idsOf('adam', 'tokens.list'), managed);
  assert.equal(await idsOf('adam', 'invitations.list'), [invitation.adam]);
  assert.equal(await idsOf('mia', 'sessions.list'), [session.mia]);
  assert.equal(await idsOf('adam', 'sessions.list', { user: 'mia' }), [session.mia]);
});

test('class 1, 3: below its least role, and for a user who is no more or disabled, no operation runs', async ({
  world,
}) => {
  const { core, store, actors } = world;
  const lower: Readonly<Record<Role, readonly Name[]>> = { owner: ['adam', 'mia'], admin: ['mia'], member: [] };
  await core.operations.run(actors.otto, 'users.disable', { user: 'max' });
  for (const { name, least } of core.operations.names()) {
    const before = store.revision;
    const input = CASES[name]!.good?.(world) ?? {};
    for (const who of lower[least]) assert.is(await codeOf(core.operations.run(actors[who], name, input)), 'FORBIDDEN');
    // What they were when they signed in is not what counts.
    const promoted = { ...actors.mia, role: 'owner' } as const;
    const gone = { ...actors.otto, userId: 'nobody' };
    const device = { ...actors.otto, via: 'node', nodeId: 'taken-out' } as const;
    if (least !== 'member') assert.is(await codeOf(core.operations.run(promoted, name, input)), 'FORBIDDEN', name);
    assert.is(await codeOf(core.operations.run(gone, name, input)), 'UNAUTHENTICATED', name);
    assert.is(await codeOf(core.operations.run(device, name, input)), 'UNAUTHENTICATED', name);
    assert.is(await codeOf(core.operations.run({ ...actors.max, role: 'owner' }, name, input)), 'USER_DISABLED', name);
    assert.is(store.revision, before, name);
  }
});

for (const [change, code] of [
  ['users.set-role', 'FORBIDDEN'],
  ['users.disable', 'USER_DISABLED'],
] as const) {
  test(`class 3: no operation is done that a parallel ${change} came before`, async ({ world }) => {
    const { core, store, actors } = world;
    const changing = core.operations.names().filter(({ changes, name }) => changes && CASES[name]!.good !== undefined);
    assert.ok(changing.length > 10);
    for (const { name, least } of changing) {
      // What a member may is no less theirs as a member.
      if (change === 'users.set-role' && least === 'member') continue;
      const held = store.holdNext();
      const asked = codeOf(core.operations.run(actors.otto, name, CASES[name]!.good!(world)));
      const release = await held;
      const input = { user: 'otto', ...(change === 'users.set-role' && { role: 'member' }) };
      await core.operations.run({ kind: 'root' }, change, input);
      release();
      const found = await asked;
      assert.ok(found === code || /^CONFLICT$|_UNKNOWN$/.test(found), `${name}: ${found}`);
      const undo = change === 'users.set-role' ? { user: 'otto', role: 'owner' } : { user: 'otto' };
      await core.operations.run({ kind: 'root' }, change === 'users.disable' ? 'users.enable' : change, undo);
    }
    assert.is(core.registry.names.has('of-max'), true);
  });
}

test('the name of every operation is one that a device can ask for in its channel', ({ world }) => {
  for (const { name } of world.core.operations.names()) {
    const text = encodeMessage({ kind: 'request', id: 1, operation: name, input: {} });
    assert.ok(decodeNodeMessage(text), name);
  }
});

/** What an operation does is written as what it does. */
const ACTIONS: Readonly<Record<string, string>> = {
  'users.add': 'users.create',
  'users.set-role': 'users.role',
  'invites.create': 'tokens.create',
  'approvals.approve': 'approvals.approved',
  'approvals.deny': 'approvals.denied',
  'nodes.remove': 'nodes.revoke',
  'recovery.note': 'recovery.take',
};

for (const name of Object.keys(CASES)) {
  test(`${name}, if it changes anything, is in the audit log by the same commit`, async ({ world }) => {
    const { core, actors, store } = world;
    const { changes } = core.operations.names().find((each) => each.name === name)!;
    const { good } = CASES[name]!;
    const otto: Actor = { ...actors.otto, source: '192.0.2.77' };
    // Of the first owner's link there is none any more once there is an owner.
    const commits = await commitsOf(store, () =>
      good ? core.operations.run(otto, name, good(world)) : withoutOwner(store, () => run(core, name)),
    );
    const who = good ? { actor: `user:${otto.userId}`, source: '192.0.2.77' } : { actor: 'root', source: 'local' };
    const expected = { ...who, action: ACTIONS[name] ?? name };
    const own = commits.filter((puts) => puts.some(({ entry }) => entry?.action === expected.action));
    assert.is(own.length, changes ? 1 : 0, JSON.stringify(commits));
    if (!changes) return;
    const { actor, source, action } = own[0]!.find(({ entry }) => entry)!.entry!;
    assert.equal({ actor, source, action }, expected);
    // That it was asked for is all that there is of it.
    if (!['backup.create', 'recovery.note'].includes(name)) assert.ok(own[0]!.length > 1, 'a commit of its own');
  });
}

function run(core: Core, name: string): Promise<unknown> {
  return core.operations.run({ kind: 'root' }, name, name === 'recovery.note' ? NOTE : {});
}

interface Put {
  readonly key: string;
  /** Of the audit log. */
  readonly entry?: { readonly actor: string; readonly source: string; readonly action: string };
}

/** What was committed meanwhile. */
async function commitsOf(store: HeldStore, act: () => Promise<unknown>): Promise<Put[][]> {
  const from = store.revision;
  await act();
  const commits: Put[][] = [];
  const stop = new AbortController();
  const prefix = new Uint8Array(0);
  if (store.revision === from) return commits;
  for await (const { revision, puts } of store.watch(from, { prefix, signal: stop.signal })) {
    commits.push(
      puts.map(({ key, value }) => {
        const name = Buffer.from(key).toString();
        return {
          key: name,
          ...(name.startsWith('audit/') && value && { entry: JSON.parse(Buffer.from(value).toString()) }),
        };
      }),
    );
    if (revision >= store.revision) stop.abort();
  }
  return commits;
}

/** All owners but for the moment: nobody can take the last one's role by an operation. */
async function withoutOwner(store: HeldStore, act: () => Promise<unknown>): Promise<void> {
  const owners = await store.get(userPaths.owners);
  await store.commit({ compare: [], put: [{ key: userPaths.owners, value: undefined }] });
  await act();
  await store.commit({ compare: [], put: [{ key: userPaths.owners, value: owners!.value }] });
}

test('class 13: no answer that only tells something holds a secret, nor does the audit log', async ({ world }) => {
  const { core, actors, secrets } = world;
  const telling = core.operations.names().filter(({ changes }) => !changes);
  for (const { name } of telling) {
    const text = JSON.stringify(await core.operations.run(actors.otto, name, CASES[name]!.good!(world)));
    for (const secret of secrets) assert.not.ok(text.includes(secret), name);
    assert.not.match(text, /"(?:hash|salt|secret|password|token|csrf|generation)"/, name);
  }
});

test('class 13: no refusal repeats a password', async ({ world }) => {
  const { core, actors } = world;
  for (const input of [
    { name: 'x y', role: 'member', password: PASSWORD },
    { password: PASSWORD, role: 'king' },
  ]) {
    const failure = await core.operations.run(actors.otto, 'users.add', input).catch((error: Error) => error);
    assert.instance(failure, Error);
    assert.not.match((failure as Error).message, PASSWORD);
  }
});

test.run();
