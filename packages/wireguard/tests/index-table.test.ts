import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createIndexTable } from '../src/index-table.ts';

/** Gives the words listed, one after the other. */
function sequence(words: readonly number[]): () => number {
  let next = 0;
  return () => words[next++]!;
}

test('an index is the random word, as an unsigned number', () => {
  const table = createIndexTable<string>(sequence([7, -1, 0, 0x8000_0000]));
  assert.equal(
    ['a', 'b', 'c', 'd'].map((value) => table.insert(value)),
    [7, 0xffff_ffff, 0, 0x8000_0000],
  );
  assert.is(table.size, 4);
});

test('a value is found by its index, signed or unsigned', () => {
  const table = createIndexTable<string>(sequence([0xfedc_ba98]));
  const index = table.insert('session');
  assert.is(table.get(index), 'session');
  assert.is(table.get(index | 0), 'session');
  assert.is(table.get(index + 1), undefined);
});

test('a word that is in use is drawn again', () => {
  const table = createIndexTable<string>(sequence([5, 5, 5, 6]));
  assert.is(table.insert('first'), 5);
  assert.is(table.insert('second'), 6);
  assert.is(table.get(5), 'first');
});

test('a drawn index is free until it is set', () => {
  const table = createIndexTable<string>(sequence([5]));
  const index = table.draw();
  assert.is(table.size, 0);
  assert.is(table.get(index), undefined);
  table.set(index, 'handshake');
  table.set(index, 'session');
  assert.is(table.get(index), 'session');
  assert.is(table.size, 1);
});

test('a deleted index is unknown and may be drawn again', () => {
  const table = createIndexTable<string>(sequence([-3, -3]));
  const index = table.insert('first');
  assert.is(table.delete(index), true);
  assert.is(table.delete(index), false);
  assert.is(table.get(index), undefined);
  assert.is(table.size, 0);
  assert.is(table.insert('second'), index);
});

test('a random source that is stuck is an error, not a loop without end', () => {
  const table = createIndexTable<string>(() => 1);
  table.insert('first');
  assert.throws(() => table.insert('second'), /64 indices in a row/);
});

test.run();
