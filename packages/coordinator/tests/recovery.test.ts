import { existsSync, linkSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type JoinLink, openServerSet, parseJoinLink, parseNetworkId, type ServerSet } from '@pcloud/netmap';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startCoordinator } from '../src/coordinator.ts';
import { silentLogger } from '../src/log.ts';
import { formatKitFile, type RecoveryKit } from '../src/recovery/kit.ts';
import { confirmKit, recoveryStatus, takeKit } from '../src/recovery/recovery.ts';
import { startReminder } from '../src/recovery/reminder.ts';
import { formatWords } from '../src/recovery/words.ts';
import { WALL_MS } from '../src/testing/accounts-rig.ts';
import { createFakeTimers } from '../src/testing/fake-timers.ts';
import { loopbackOptions } from '../src/testing/loopback-options.ts';

interface Context {
  directory: string;
  /** A coordinator's. */
  stateDir: string;
}

const test = suite<Context>('recovery');

test.before.each((context) => {
  context.directory = mkdtempSync(join(tmpdir(), 'pcloud-recovery-'));
  context.stateDir = join(context.directory, 'state');
});

test.after.each(({ directory }) => rmSync(directory, { recursive: true }));

function start({ directory }: Context, publicUrls: readonly string[] = ['https://192.0.2.1:8443']) {
  return startCoordinator({ ...loopbackOptions(directory), publicUrls }, { log: silentLogger });
}

interface Said {
  readonly networkId: Uint8Array;
  readonly link: JoinLink;
  /** Signed. */
  readonly serverSet: Uint8Array;
}

/** What a coordinator that is started and ended tells devices. */
async function visit(context: Context, publicUrls?: readonly string[]): Promise<Said> {
  const coordinator = await start(context, publicUrls);
  try {
    const response = await fetch(new URL('/join/server', await coordinator.adminUrl()));
    const { serverSet } = (await response.json()) as { serverSet: string };
    return {
      networkId: parseNetworkId(coordinator.networkId)!,
      link: parseJoinLink(await coordinator.createJoinLink({})) as JoinLink,
      serverSet: Buffer.from(serverSet, 'base64'),
    };
  } finally {
    await coordinator.close();
  }
}

function open({ serverSet, networkId }: Said, previous?: ServerSet): ServerSet {
  const opened = openServerSet(serverSet, { networkId, previous });
  if (opened.kind === 'refused') throw new Error(opened.code);
  return opened.set;
}

function take(stateDir: string, atMs = WALL_MS): RecoveryKit {
  let taken: RecoveryKit | undefined;
  takeKit(stateDir, atMs, (kit) => {
    taken = { ...kit, root: kit.root.slice() };
  });
  return taken!;
}

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return (error as { code: string }).code;
  }
  throw new Error('it was done');
}

/** Files below a directory that hold a secret in any form that a program might write it in. */
function holders(directory: string, secret: Uint8Array): string[] {
  const bytes = Buffer.from(secret);
  const texts = (['base64', 'base64url', 'hex'] as const).map((form) => bytes.toString(form).replace(/=+$/, ''));
  const forms = [bytes, ...texts, texts[2]!.toUpperCase(), formatWords(secret)].map((form) => Buffer.from(form));
  return (readdirSync(directory, { recursive: true }) as string[])
    .filter((name) => statSync(join(directory, name)).isFile())
    .filter((name) => {
      const content = readFileSync(join(directory, name));
      return forms.some((form) => content.includes(form));
    });
}

test('the root is given out until it was confirmed, and is nowhere in the state from then on', async (context) => {
  const { stateDir } = context;
  await visit(context);
  assert.is(recoveryStatus(stateDir).state, 'untaken');
  const kit = take(stateDir);
  assert.equal(take(stateDir, WALL_MS + 1), kit);
  assert.equal(holders(stateDir, kit.root), ['root.key'], 'the search finds what is there');
  assert.equal(recoveryStatus(stateDir), {
    state: 'taken',
    networkId: kit.networkId,
    takenAtMs: WALL_MS + 1,
    confirmedAtMs: null,
  });

  assert.equal(confirmKit(stateDir, formatWords(kit.root), WALL_MS + 2), { networkId: kit.networkId, destroyed: true });
  await visit(context, ['https://192.0.2.2:8443']);
  assert.equal(holders(context.directory, kit.root), []);
  assert.equal(recoveryStatus(stateDir), {
    state: 'confirmed',
    networkId: kit.networkId,
    takenAtMs: WALL_MS + 1,
    confirmedAtMs: WALL_MS + 2,
  });
  assert.is(
    codeOf(() => take(stateDir)),
    'KIT_CONFIRMED',
  );
});

test('a kit is confirmed by its file as well, beside a coordinator that runs, and can be checked again later', async (context) => {
  const { stateDir } = context;
  const coordinator = await start(context);
  const kit = take(stateDir);
  assert.is(coordinator.isRootHere(), true);
  assert.is(confirmKit(stateDir, formatKitFile(kit), WALL_MS).destroyed, true);
  assert.is(coordinator.isRootHere(), false);
  assert.ok(await coordinator.createJoinLink({}));
  await coordinator.close();
  assert.equal(confirmKit(stateDir, formatKitFile(kit), WALL_MS), { networkId: kit.networkId, destroyed: false });
});

test('what is not the kit of this network destroys nothing', async (context) => {
  const { stateDir } = context;
  await visit(context);
  const kit = take(stateDir);
  const other = new Uint8Array(32).fill(7);
  for (const [text, code] of [
    [formatWords(other), 'KIT_OTHER'],
    ['', 'KIT_INVALID'],
    [formatKitFile(kit).slice(0, -3), 'KIT_INVALID'],
  ] as const) {
    assert.is(
      codeOf(() => confirmKit(stateDir, text, WALL_MS)),
      code,
    );
  }
  assert.equal(holders(stateDir, kit.root), ['root.key']);
  assert.is(recoveryStatus(stateDir).state, 'taken');
  confirmKit(stateDir, formatWords(kit.root), WALL_MS);
  assert.is(
    codeOf(() => confirmKit(stateDir, formatWords(other), WALL_MS)),
    'KIT_OTHER',
  );
});

test('where no network was started there is nothing to take', ({ directory }) => {
  for (const act of [recoveryStatus, take, (at: string) => confirmKit(at, formatWords(new Uint8Array(32)), 0)]) {
    assert.is(
      codeOf(() => act(directory)),
      'NETWORK_UNKNOWN',
    );
  }
});

test('a kit that could not be given out does not count as taken', async (context) => {
  await visit(context);
  const full = (): never => {
    throw new Error('no space left');
  };
  assert.throws(() => takeKit(context.stateDir, WALL_MS, full), 'no space left');
  assert.is(recoveryStatus(context.stateDir).state, 'untaken');
});

for (const [title, leave] of [
  ['before the root was overwritten', (path: string, text: string) => writeFileSync(path, text)],
  ['after it was overwritten', (path: string, text: string) => writeFileSync(path, '\0'.repeat(text.length))],
] as const) {
  test(`a start ends what was interrupted ${title}`, async (context) => {
    const { stateDir } = context;
    await visit(context);
    const path = join(stateDir, 'root.key');
    const text = readFileSync(path, 'latin1');
    const kit = take(stateDir);
    confirmKit(stateDir, formatWords(kit.root), WALL_MS);
    leave(path, text);
    await visit(context);
    assert.is(existsSync(path), false);
    assert.equal(holders(stateDir, kit.root), []);
  });
}

test('what an interrupted write left beside the root is destroyed with it', async (context) => {
  const { stateDir } = context;
  await visit(context);
  const kit = take(stateDir);
  linkSync(join(stateDir, 'root.key'), join(stateDir, 'root.key.4711'));
  confirmKit(stateDir, formatWords(kit.root), WALL_MS);
  assert.equal(holders(stateDir, kit.root), []);
});

test('the root is overwritten, and not only let go of', async (context) => {
  const { stateDir, directory } = context;
  await visit(context);
  const kit = take(stateDir);
  linkSync(join(stateDir, 'root.key'), join(directory, 'the same blocks'));
  confirmKit(stateDir, formatWords(kit.root), WALL_MS);
  assert.equal(holders(directory, kit.root), []);
  assert.match(readFileSync(join(directory, 'the same blocks'), 'latin1'), /^\0+$/);
});

test('a note about the kit of another network is none about the root of this one', async (context) => {
  const { stateDir } = context;
  await visit(context);
  confirmKit(stateDir, formatWords(take(stateDir).root), WALL_MS);
  for (const name of ['store', 'channel.key']) rmSync(join(stateDir, name), { recursive: true });
  await visit(context);
  assert.is(recoveryStatus(stateDir).state, 'untaken');
  await visit(context);
  assert.is(recoveryStatus(stateDir).state, 'untaken');
});

test('with the root away other URLs still make a set that members, old and new, accept', async (context) => {
  const { stateDir } = context;
  const first = await visit(context);
  const before = open(first);
  confirmKit(stateDir, formatWords(take(stateDir).root), WALL_MS);
  assert.equal(open(await visit(context), before), before, 'nothing changed, so the set stays');

  const seen = [before];
  for (let number = 2; number <= 6; number++) {
    const url = `https://192.0.2.${number}:8443`;
    const said = await visit(context, [url]);
    assert.equal(said.networkId, first.networkId);
    for (const previous of [undefined, ...seen]) {
      const set = open(said, previous);
      assert.is(set.number, number);
      assert.equal(set.servers[0]!.urls, [url]);
    }
    const set = open(said);
    assert.equal(said.link.urls, [url]);
    assert.equal(said.link.networkId, first.networkId);
    assert.ok(
      set.servers.some(({ channelKey }) => channelKey === Buffer.from(said.link.channelKey).toString('base64')),
    );
    seen.push(set);
  }
});

test('a server whose own key is gone, with the root away, says so instead of speaking as a stranger', async (context) => {
  const { stateDir } = context;
  await visit(context);
  confirmKit(stateDir, formatWords(take(stateDir).root), WALL_MS);
  rmSync(join(stateDir, 'channel.key'));
  const outcome = await visit(context).then(
    () => 'started',
    (error: Error & { code: string }) => error.code,
  );
  assert.is(outcome, 'KEY_FILE_INVALID');
});

test('the log reminds each day, until the kit was confirmed', async (context) => {
  const { stateDir } = context;
  await visit(context);
  const timers = createFakeTimers();
  const lines: string[] = [];
  const warn = (_fields: object, event: string): void => void lines.push(event);
  const end = startReminder(stateDir, { log: { warn }, setTimer: timers.setTimer });
  assert.is(lines.length, 1);
  assert.match(lines[0]!, 'pcloud recovery take');
  timers.advance(86_400_000);
  assert.is(lines.length, 2);
  confirmKit(stateDir, formatWords(take(stateDir).root), WALL_MS);
  timers.advance(3 * 86_400_000);
  assert.is(lines.length, 2);
  end();
});

test.run();
