import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openLevelStore, type Store, StoreError } from '../src/store/index.ts';
import { createFakeTimers } from '../src/testing/fake-timers.ts';
import { bytes } from '../src/testing/store-harness.ts';
import { storeBehaviours } from '../src/testing/store-suite.ts';

const root = mkdtempSync(join(tmpdir(), 'level-store-'));
let made = 0;
const newDirectory = (): string => join(root, `${made++}`);

const compliance = suite('compliance');
for (const { name, run } of storeBehaviours) {
  compliance(name, () => run((options) => openLevelStore(newDirectory(), options)));
}
compliance.run();

const test = suite('level');
test.after(() => rmSync(root, { recursive: true }));

function put(store: Store, key: string, value: string): Promise<unknown> {
  return store.commit({ compare: [], put: [{ key: bytes(key), value: bytes(value) }] });
}

async function failureOf(promise: Promise<unknown>): Promise<StoreError> {
  try {
    await promise;
  } catch (error) {
    assert.instance(error, StoreError);
    return error as StoreError;
  }
  throw new Error('it did not fail');
}

/** The revisions a watch has at once, or the code that it ends with. */
async function revisionsAfter(store: Store, from: number): Promise<number[] | string> {
  const seen: number[] = [];
  try {
    for await (const { revision } of store.watch(from, { prefix: bytes(''), signal: new AbortController().signal })) {
      seen.push(revision);
      if (revision === store.revision) break;
    }
    return seen;
  } catch (error) {
    return (error as StoreError).code;
  }
}

test('a watch resumes after a restart, and says COMPACTED beyond the change log', async () => {
  const directory = newDirectory();
  const store = await openLevelStore(directory, { keptChanges: 3 });
  for (let index = 0; index < 5; index++) await put(store, 'a', `${index}`);
  await store.close();
  const again = await openLevelStore(directory, { keptChanges: 3 });
  assert.is(again.revision, 5);
  assert.equal(await revisionsAfter(again, 2), [3, 4, 5]);
  assert.is(await revisionsAfter(again, 1), 'COMPACTED');
  await again.close();
});

test('a change log that is to be shorter after a restart is cut', async () => {
  const directory = newDirectory();
  const store = await openLevelStore(directory);
  for (let index = 0; index < 5; index++) await put(store, 'a', `${index}`);
  await store.close();
  for (let starts = 0; starts < 2; starts++) {
    const again = await openLevelStore(directory, { keptChanges: 2 });
    assert.equal(await revisionsAfter(again, 3), [4, 5]);
    assert.is(await revisionsAfter(again, 2), 'COMPACTED');
    await again.close();
  }
});

test('keys of a lease that outlived its process go after its time', async () => {
  const directory = newDirectory();
  const store = await openLevelStore(directory);
  const lease = await store.grantLease(5_000);
  await store.commit({ compare: [], put: [{ key: bytes('a'), value: bytes(''), lease }] });
  await store.close();

  const clock = createFakeTimers();
  const again = await openLevelStore(directory, { clock });
  clock.advance(4_999);
  await again.list(bytes(''));
  assert.is.not(await again.get(bytes('a')), undefined);
  clock.advance(1);
  await again.list(bytes(''));
  assert.is(await again.get(bytes('a')), undefined);
  await again.close();
});

test('a store that another process has says LOCKED and where', async () => {
  const directory = newDirectory();
  const store = await openLevelStore(directory);
  const child = spawnSync(
    process.execPath,
    ['-C', 'source', '--import', 'tsx', fileURLToPath(new URL('store-open.ts', import.meta.url)), directory],
    { encoding: 'utf8' },
  );
  assert.is(child.stdout, `LOCKED store ${directory}: another process has it open\n`);
  const second = await failureOf(openLevelStore(directory));
  assert.is(second.code, 'LOCKED');
  await put(store, 'a', 'still here');
  await store.close();
});

test('the directory is for its owner alone', async () => {
  const directory = newDirectory();
  const store = await openLevelStore(directory);
  assert.is(statSync(directory).mode & 0o777, 0o700);
  await store.close();
});

test('a path that cannot be a store says FAILED and where', async () => {
  const file = newDirectory();
  writeFileSync(file, '');
  const { code, message } = await failureOf(openLevelStore(file));
  assert.is(code, 'FAILED');
  assert.match(message, file);
});

test('a manifest that is damaged says CORRUPT and where', async () => {
  const directory = newDirectory();
  const store = await openLevelStore(directory);
  await put(store, 'a', 'one');
  await store.close();
  const manifest = readdirSync(directory).find((name) => name.startsWith('MANIFEST'))!;
  writeFileSync(join(directory, manifest), Buffer.alloc(100, 0xa5));
  const { code, message } = await failureOf(openLevelStore(directory));
  assert.is(code, 'CORRUPT');
  assert.match(message, directory);
});

test('a record missing amid the log, which LevelDB passes over, says CORRUPT', async () => {
  const directory = newDirectory();
  const store = await openLevelStore(directory);
  // Each record fills a block of LevelDB's log (32 KiB) and more: damage of one leaves the others readable.
  for (let index = 0; index < 5; index++) await put(store, `key ${index}`, `${index}`.repeat(40_000));
  await store.close();
  const name = readdirSync(directory).find((file) => file.endsWith('.log'))!;
  const log = readFileSync(join(directory, name));
  log.fill(0xa5, 100_000, 100_100);
  writeFileSync(join(directory, name), log);
  const { code, message } = await failureOf(openLevelStore(directory));
  assert.is(code, 'CORRUPT');
  assert.match(message, /breaks at revision|ends at revision/);
  assert.match(message, directory);
});

test('class 6: a directory that others could read is closed to them when it is opened', async () => {
  const directory = newDirectory();
  mkdirSync(directory, { mode: 0o755 });
  const store = await openLevelStore(directory);
  assert.is(statSync(directory).mode & 0o777, 0o700);
  await store.close();
});

test.run();
