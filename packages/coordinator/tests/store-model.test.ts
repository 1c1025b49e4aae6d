import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createMemoryStore, openLevelStore, type Store, type StoreCommit } from '../src/store/index.ts';
import { bytes, text } from '../src/testing/store-harness.ts';

const KEYS = ['a', 'a/', 'a/1', 'a/2', 'ab', 'b', 'b/1', '\u{10ffff}'] as const;

/** What to do next; `age` picks a revision to compare with: that of the key, 0, or one of the past. */
type Step =
  | { readonly kind: 'commit'; readonly compare: readonly Comparison[]; readonly put: readonly Put[] }
  | { readonly kind: 'list'; readonly prefix: string; readonly limit: number }
  | { readonly kind: 'reopen' };
type Comparison = { readonly key: string; readonly age: 'current' | 'none' | number };
type Put = { readonly key: string; readonly value: string | undefined };

const key = fc.constantFrom(...KEYS);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('commit' as const),
      compare: fc.array(
        fc.record({ key, age: fc.oneof(fc.constant('current' as const), fc.constant('none' as const), fc.nat(20)) }),
        { maxLength: 2 },
      ),
      put: fc.uniqueArray(fc.record({ key, value: fc.option(fc.string({ maxLength: 5 }), { nil: undefined }) }), {
        maxLength: 4,
        selector: (put) => put.key,
      }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('list' as const),
      prefix: fc.oneof(key, fc.constant('')),
      limit: fc.integer({ min: 1, max: 9 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
);

/** A store as one would tell it: a map, a number, and what happened. */
interface Model {
  readonly values: Map<string, { readonly value: string; readonly revision: number }>;
  readonly changes: string[];
  revision: number;
}

async function run(steps: readonly Step[], open: () => Promise<Store>, keeps: boolean): Promise<void> {
  const model: Model = { values: new Map(), changes: [], revision: 0 };
  let store = await open();
  try {
    for (const each of steps) {
      if (each.kind === 'commit') await commitToBoth(store, model, each);
      else if (each.kind === 'list') await compareLists(store, model, each.prefix, each.limit);
      else if (keeps) {
        await store.close();
        store = await open();
      }
      assert.is(store.revision, model.revision);
    }
    await compareLists(store, model, '', 100);
    assert.equal(await changesOf(store), model.changes);
  } finally {
    await store.close();
  }
}

async function commitToBoth(store: Store, model: Model, { compare, put }: StoreStep): Promise<void> {
  const comparisons = compare.map(({ key, age }) => ({
    key,
    revision: age === 'current' ? (model.values.get(key)?.revision ?? 0) : age === 'none' ? 0 : age,
  }));
  const commit: StoreCommit = {
    compare: comparisons.map(({ key, revision }) => ({ key: bytes(key), revision })),
    put: put.map(({ key, value }) => ({ key: bytes(key), value: value === undefined ? undefined : bytes(value) })),
  };
  const committed = comparisons.every(({ key, revision }) => (model.values.get(key)?.revision ?? 0) === revision);
  const effective = put.filter(({ key, value }) => value !== undefined || model.values.has(key));
  if (committed && effective.length > 0) {
    model.revision += 1;
    for (const { key, value } of effective) {
      if (value === undefined) model.values.delete(key);
      else model.values.set(key, { value, revision: model.revision });
      model.changes.push(`${model.revision} ${key} ${value}`);
    }
  }
  assert.equal(await store.commit(commit), { committed, revision: model.revision });
}
type StoreStep = Extract<Step, { kind: 'commit' }>;

async function compareLists(store: Store, model: Model, prefix: string, limit: number): Promise<void> {
  const { entries, revision } = await store.list(bytes(prefix), { limit });
  assert.is(revision, model.revision);
  assert.equal(
    entries.map((entry) => [text(entry.key), text(entry.value), entry.revision]),
    KEYS.filter((each) => each.startsWith(prefix) && model.values.has(each))
      .slice(0, limit)
      .map((each) => [each, model.values.get(each)!.value, model.values.get(each)!.revision]),
  );
}

async function changesOf(store: Store): Promise<string[]> {
  const lines: string[] = [];
  if (store.revision === 0) return lines;
  for await (const change of store.watch(0, { prefix: bytes(''), signal: new AbortController().signal })) {
    for (const put of change.puts) lines.push(`${change.revision} ${text(put.key)} ${put.value && text(put.value)}`);
    if (change.revision === store.revision) break;
  }
  return lines;
}

const test = suite('store model');
const root = mkdtempSync(join(tmpdir(), 'store-model-'));
test.after(() => rmSync(root, { recursive: true }));

const full = process.env.PCLOUD_TEST_FULL === '1';
const seed = process.env.PCLOUD_TEST_SEED === undefined ? {} : { seed: Number(process.env.PCLOUD_TEST_SEED) };
const steps = fc.array(step, { maxLength: 40 });

test('the store in memory is a map with revisions', async () => {
  await fc.assert(
    fc.asyncProperty(steps, (each) => run(each, async () => createMemoryStore(), false)),
    { ...seed, numRuns: full ? 2_000 : 200 },
  );
});

test('the store in level is a map with revisions, across restarts', async () => {
  let made = 0;
  await fc.assert(
    fc.asyncProperty(steps, (each) => {
      const directory = join(root, `${made++}`);
      return run(each, () => openLevelStore(directory), true);
    }),
    { ...seed, numRuns: full ? 300 : 30 },
  );
});

test.run();
