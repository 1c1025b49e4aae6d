/** Stores of older and newer versions: migrated, refused, and whole wherever a migration is interrupted. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeBase64 } from '@pcloud/netmap';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { backUp, backUpBeside, restore } from '../src/backup/here.ts';
import { encodeSnapshot } from '../src/backup/snapshot.ts';
import { startCoordinator } from '../src/coordinator.ts';
import { silentLogger } from '../src/log.ts';
import { formatKitFile } from '../src/recovery/kit.ts';
import { takeKit } from '../src/recovery/recovery.ts';
import { type Migration, openSchema, readSchema, schemaPath } from '../src/schema/index.ts';
import {
  below,
  createMemoryStore,
  encodeRecord,
  lastPart,
  openLevelStore,
  type Store,
  StoreError,
  textKey,
} from '../src/store/index.ts';
import { loopbackOptions } from '../src/testing/loopback-options.ts';

const THINGS = 250;
const PER_COMMIT = 100;

async function inPages(
  store: Store,
  prefix: string,
  act: (id: string, value: Uint8Array) => [string, Uint8Array | undefined][],
) {
  const { entries } = await store.list(below(prefix));
  for (let at = 0; at < entries.length; at += PER_COMMIT) {
    const put = entries
      .slice(at, at + PER_COMMIT)
      .flatMap(({ key, value }) => act(lastPart(key), value))
      .map(([key, value]) => ({ key: textKey(key), value }));
    await store.commit({ compare: [], put });
  }
}

/** `things/<id>` become `items/<id>`, and their number is kept: many commits before the switch, and many behind it. */
const SECOND: Migration = {
  to: 2,
  does: 'things become items',
  async prepare(store) {
    await inPages(store, 'items', (id) => [[`items/${id}`, undefined]]);
    await inPages(store, 'things', (id, value) => [[`items/${id}`, Buffer.from(`item ${Buffer.from(value)}`)]]);
  },
  async switch(store) {
    const { entries } = await store.list(below('items'));
    return { compare: [], put: [{ key: textKey('count'), value: encodeRecord(entries.length) }] };
  },
  clean: (store) => inPages(store, 'things', (id) => [[`things/${id}`, undefined]]),
};
const THIRD: Migration = {
  to: 3,
  does: 'the number goes',
  switch: async () => ({ compare: [], put: [{ key: textKey('count'), value: undefined }] }),
};

async function makeStore(): Promise<Store> {
  const store = createMemoryStore();
  for (let index = 0; index < THINGS; index++) {
    await store.commit({ compare: [], put: [{ key: textKey('things', `${index}`), value: Buffer.from(`${index}`) }] });
  }
  return store;
}

interface Saved {
  readonly version: number;
  readonly content: Record<string, string>;
}

function open(store: Store, migrations: readonly Migration[], saved: Saved[] = []): Promise<void> {
  return openSchema(store, {
    log: silentLogger,
    migrations,
    fileExists: (path) => saved[Number(path)] !== undefined,
    async backUp(version) {
      saved.push({ version, content: await contentOf(store) });
      return `${saved.length - 1}`;
    },
  });
}

/** All but the number. */
async function contentOf(store: Store, prefix = ''): Promise<Record<string, string>> {
  const { entries } = await store.list(Buffer.from(prefix));
  return Object.fromEntries(
    entries
      .map(({ key, value }) => [Buffer.from(key).toString(), Buffer.from(value).toString()] as const)
      .filter(([key]) => key !== 'schema'),
  );
}

async function versionOf(store: Store): Promise<number> {
  return readSchema(await store.get(schemaPath)).version;
}

/** A store whose commits fail from one on, before or after they are made. */
function failingFrom(inner: Store, first: number, isMade: boolean): Store {
  let commits = 0;
  return {
    ...inner,
    get revision() {
      return inner.revision;
    },
    async commit(commit) {
      commits += 1;
      if (commits < first) return inner.commit(commit);
      if (commits === first && isMade) await inner.commit(commit);
      throw new StoreError('FAILED', 'the power is out');
    },
  };
}

async function codeOf(act: Promise<unknown>): Promise<string> {
  return act.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? String(error),
  );
}

test('a new store has the newest number, and one from before there were any is the first', async () => {
  const fresh = createMemoryStore();
  const saved: Saved[] = [];
  await open(fresh, [SECOND, THIRD], saved);
  assert.equal([await versionOf(fresh), saved.length], [3, 0]);
  const old = await makeStore();
  await open(old, []);
  assert.is(await versionOf(old), 1);
  const { revision } = old;
  await open(old, []);
  assert.is(old.revision, revision);
});

test('a store goes through all migrations that it lacks, each with a backup of what was before', async () => {
  const store = await makeStore();
  const before = await contentOf(store);
  const saved: Saved[] = [];
  await open(store, [SECOND, THIRD], saved);
  assert.is(await versionOf(store), 3);
  const after = await contentOf(store);
  assert.is(Object.keys(after).length, THINGS);
  assert.is(after['items/7'], 'item 7');
  assert.equal(
    saved.map(({ version }) => version),
    [1, 2],
  );
  assert.equal(saved[0]!.content, before);
  assert.is(saved[1]!.content.count, `${THINGS}`);
});

test('a store of a newer program is refused with the next step, and not touched', async () => {
  const store = await makeStore();
  await open(store, [SECOND, THIRD]);
  const { revision } = store;
  const failure = await open(store, [SECOND]).catch((error: Error & { code: string }) => error);
  assert.is((failure as Error & { code: string }).code, 'STATE_NEWER');
  assert.match((failure as Error).message, /version 3, this one knows 2.*update pcloud.*pcloud admin restore/);
  assert.is(store.revision, revision);
});

/** The commits of an undisturbed run. */
async function countCommits(): Promise<number> {
  const store = await makeStore();
  const { revision } = store;
  await open(store, [SECOND]);
  return store.revision - revision;
}

for (const isMade of [false, true]) {
  const how = isMade ? 'after it was made' : 'before it was made';
  test(`interrupted at any commit, ${how}, the store is one that the old program has as it was, until the switch`, async () => {
    const wanted = await makeStore();
    await open(wanted, [SECOND]);
    const commits = await countCommits();
    assert.ok(commits > 8);
    let isSwitched = false;
    for (let first = 1; first <= commits; first++) {
      const store = await makeStore();
      const before = await contentOf(store, 'things/');
      const saved: Saved[] = [];
      await codeOf(open(failingFrom(store, first, isMade), [SECOND], saved));
      if ((await versionOf(store)) === 2) {
        isSwitched = true;
        assert.is(await codeOf(open(store, [])), 'STATE_NEWER');
      } else {
        assert.not.ok(isSwitched, 'it went back');
        // The old program goes on, and changes things; then comes the new one again.
        await open(store, [], saved);
        assert.equal(await contentOf(store, 'things/'), before);
        const gone = { key: textKey('things', '0'), value: undefined };
        const put = { key: textKey('things', 'new'), value: Buffer.from('new') };
        await store.commit({ compare: [], put: [gone, put] });
        await open(store, [SECOND], saved);
        const after = await contentOf(store);
        assert.equal([after['items/0'], after['items/new'], after.count], [undefined, 'item new', `${THINGS}`]);
        assert.is(saved.at(-1)!.content['things/new'], 'new');
        continue;
      }
      await open(store, [SECOND], saved);
      assert.equal(await contentOf(store), await contentOf(wanted), `commit ${first}`);
      assert.is(saved.length, 1);
    }
    assert.ok(isSwitched);
  });
}

test('begun again and again, a migration makes one backup, of what was before the first time', async () => {
  const store = await makeStore();
  const before = await contentOf(store);
  const saved: Saved[] = [];
  for (let first = 3; first <= 5; first++) await codeOf(open(failingFrom(store, first, true), [SECOND], saved));
  await open(store, [SECOND], saved);
  assert.is(await versionOf(store), 2);
  assert.is(saved.length, 1);
  assert.equal(saved[0]!.content, before);
});

test('where no backup can be made the store is left alone', async () => {
  const store = await makeStore();
  await open(store, []);
  const { revision } = store;
  const failure = await openSchema(store, {
    log: silentLogger,
    migrations: [SECOND],
    fileExists: () => false,
    backUp: async () => Promise.reject(new Error('the disk is full')),
  }).catch((error: Error) => error);
  assert.match((failure as Error).message, 'the disk is full');
  assert.is(store.revision, revision);
});

/** A coordinator of a directory, started and ended. */
async function visit(directory: string): Promise<void> {
  const coordinator = await startCoordinator(loopbackOptions(directory), { log: silentLogger });
  await coordinator.close();
}

test('a coordinator numbers its store, and refuses one of a newer program, and a backup of one', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'pcloud-schema-'));
  const stateDir = join(directory, 'state');
  try {
    await visit(directory);
    const store = await openLevelStore(join(stateDir, 'store'));
    assert.is(await versionOf(store), 1);
    await store.commit({ compare: [], put: [{ key: schemaPath, value: encodeRecord({ version: 99 }) }] });
    const { entries, revision } = await store.list(new Uint8Array(0));
    await store.close();
    assert.is(await codeOf(visit(directory)), 'STATE_NEWER');
    const { text } = backUp(encodeSnapshot(entries, revision), { stateDir, program: 'test', wallMs: 1 });
    const place = {
      stateDir: join(directory, 'other'),
      deviceDir: join(directory, 'device'),
      kit: undefined,
      wallMs: 1,
    };
    assert.is(await codeOf(restore(text, place)), 'STATE_NEWER');
    assert.equal(readdirSync(directory).sort(), ['run', 'state']);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('the backup before a migration is beside the store, for root alone, and holds no root; with the kit it is put back', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'pcloud-schema-'));
  const stateDir = join(directory, 'state');
  try {
    await visit(directory);
    const store = await openLevelStore(join(stateDir, 'store'));
    await store.commit({ compare: [], put: [{ key: textKey('things', '1'), value: Buffer.from('one') }] });
    await openSchema(store, {
      log: silentLogger,
      migrations: [SECOND],
      fileExists: () => true,
      backUp: (version) => backUpBeside(store, stateDir, 'test', `before-version-${version + 1}`),
    });
    await store.close();
    const [name, ...others] = readdirSync(join(stateDir, 'backups'));
    assert.equal(others, []);
    assert.match(name!, /^before-version-2-\d{4}-\d\d-\d\dT\d{6}$/);
    const path = join(stateDir, 'backups', name!);
    assert.is(statSync(path).mode & 0o777, 0o600);

    let kit = '';
    takeKit(stateDir, Date.now(), (given) => {
      kit = formatKitFile(given);
      const text = readFileSync(path, 'latin1');
      assert.not.ok(text.includes(encodeBase64(given.root).slice(0, 40)));
    });
    const place = { stateDir: join(directory, 'other'), deviceDir: join(directory, 'device'), kit, wallMs: Date.now() };
    await restore(readFileSync(path, 'utf8'), place);
    const restored = await openLevelStore(join(place.stateDir, 'store'));
    assert.is(await versionOf(restored), 1);
    assert.is((await contentOf(restored))['things/1'], 'one');
    await restored.close();
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test.run();
