import { chmodSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Logger } from '../src/log.ts';
import { createStampStore, type StampStore } from '../src/stamp-store.ts';

const KEY = new Uint8Array(32).fill(7);
const OTHER = new Uint8Array(32).fill(8);
const STAMP = Uint8Array.from([0x40, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);

function create(directory: string): { store: StampStore; warnings: string[] } {
  const warnings: string[] = [];
  const log: Logger = { debug() {}, info() {}, error() {}, warn: (_fields, event) => void warnings.push(event) };
  return { store: createStampStore(directory, { hash: (key) => key.map((byte) => byte ^ 0x55), log }), warnings };
}

test('a stamp is there for the next start, for its key only', () => {
  const directory = join(mkdtempSync(join(tmpdir(), 'stamps-')), 'state');
  create(directory).store.save(KEY, STAMP);
  const { store, warnings } = create(directory);
  assert.equal(store.load(KEY), STAMP);
  assert.is(store.load(OTHER), undefined);
  assert.equal(warnings, []);
});

test('a stamp replaces the one before it and leaves no other file', () => {
  const directory = mkdtempSync(join(tmpdir(), 'stamps-'));
  const { store } = create(directory);
  store.save(KEY, STAMP);
  store.save(
    KEY,
    STAMP.map((byte) => byte + 1),
  );
  assert.equal(
    store.load(KEY),
    STAMP.map((byte) => byte + 1),
  );
  assert.is(readdirSync(directory).length, 1);
});

test("the file is the owner's alone, and its name does not tell the key", () => {
  const directory = mkdtempSync(join(tmpdir(), 'stamps-'));
  create(directory).store.save(KEY, STAMP);
  const [file] = readdirSync(directory);
  assert.is(file, `stamp-${'52'.repeat(8)}`);
  assert.is(statSync(join(directory, file!)).mode & 0o777, 0o600);
  assert.equal(new Uint8Array(readFileSync(join(directory, file!))), STAMP);
});

test('a file of another length is no stamp', () => {
  const directory = mkdtempSync(join(tmpdir(), 'stamps-'));
  const { store } = create(directory);
  store.save(KEY, STAMP);
  writeFileSync(join(directory, readdirSync(directory)[0]!), 'half');
  assert.is(store.load(KEY), undefined);
});

test('a directory that cannot be made is warned of once and stops nothing', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'stamps-')), 'file');
  writeFileSync(file, '');
  chmodSync(file, 0o600);
  const { store, warnings } = create(join(file, 'state'));
  store.save(KEY, STAMP);
  store.save(KEY, STAMP);
  assert.is(warnings.length, 1);
});

test.run();
