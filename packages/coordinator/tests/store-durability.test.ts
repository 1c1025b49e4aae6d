import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Level } from 'level';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openLevelStore } from '../src/store/index.ts';
import { text } from '../src/testing/store-harness.ts';
import { createPageCache } from './page-cache.ts';
import { contentAfter } from './store-writes.ts';

const FULL = process.env.PCLOUD_TEST_FULL === '1';
const SEED = Number(process.env.PCLOUD_TEST_SEED ?? randomInt(2 ** 31));
const WRITER = fileURLToPath(new URL('store-writer.ts', import.meta.url));
const MOST_WRITES = 60;

const root = mkdtempSync(join(tmpdir(), 'store-durability-'));
const test = suite(`durability, seed ${SEED}`);
test.after(() => rmSync(root, { recursive: true }));

const drawKill = createDraw(SEED);

test('a store killed amid writes opens and holds every acknowledged change', async () => {
  const directory = join(root, 'killed');
  let count = 0;
  for (let round = 0; round < (FULL ? 100 : 15); round++) {
    const acknowledged = await killAfter(drawKill(), directory, 'store', {});
    count = await holds(directory, Math.max(count, acknowledged), `round ${round}`);
  }
  assert.ok(count > 0);
});

test('a store that lost power amid writes opens and holds every acknowledged change', async () => {
  const directory = join(root, 'powerless');
  const pageCache = createPageCache(root);
  let count = 0;
  for (let round = 0; round < (FULL ? 100 : 10); round++) {
    const acknowledged = await killAfter(drawKill(), directory, 'store', pageCache.env);
    pageCache.drop(directory);
    count = await holds(directory, Math.max(count, acknowledged), `round ${round}`);
  }
  assert.ok(count > 0);
});

test('the power cut of these tests does take what is acknowledged without a sync', async () => {
  const directory = join(root, 'unsynced');
  const pageCache = createPageCache(root);
  const acknowledged = await killAfter(20, directory, 'unsynced', pageCache.env);
  assert.ok(acknowledged >= 20);
  assert.ok(pageCache.drop(directory) > 0);
  const level = new Level<string, string>(directory);
  assert.is(await level.get('1'), undefined);
  await level.close();
});

/** Kills a writer once it has acknowledged so many writes, 0 while it opens. @returns the last number it said */
async function killAfter(
  writes: number,
  directory: string,
  mode: string,
  env: Record<string, string>,
): Promise<number> {
  const child: ChildProcess = spawn(process.execPath, ['-C', 'source', '--import', 'tsx', WRITER, directory, mode], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  let lines = 0;
  let last = 0;
  for await (const line of createInterface(child.stdout!)) {
    if (line !== 'opening') last = Number(line);
    if (lines++ === writes) child.kill('SIGKILL');
  }
  const [, signal] = await exited;
  assert.is(signal, 'SIGKILL');
  return last;
}

/** Checks all that a copy of the store holds. @returns how many commits it has: the acknowledged ones, and one more at most */
async function holds(directory: string, acknowledged: number, when: string): Promise<number> {
  const copy = join(root, 'copy');
  cpSync(directory, copy, { recursive: true });
  const store = await openLevelStore(copy);
  try {
    const count = store.revision;
    assert.ok(
      count === acknowledged || count === acknowledged + 1,
      `${when}: ${count} of ${acknowledged} acknowledged`,
    );
    const { entries } = await store.list(new Uint8Array());
    const content = new Map(entries.map(({ key, value }) => [text(key), text(value)]));
    const expected = contentAfter(count);
    assert.equal([...content.keys()].sort(), [...expected.keys()].sort(), when);
    for (const [key, value] of expected) assert.ok(content.get(key) === value, `${when}: ${key}`);
    return count;
  } finally {
    await store.close();
    rmSync(copy, { recursive: true });
  }
}

/** Writes until a kill, from a seed: often few, now and then none. */
function createDraw(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) % MOST_WRITES;
  };
}

test.run();
