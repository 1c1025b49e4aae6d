import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createRandomPool } from '../src/random-pool.ts';

/** Counts up, so that every byte given out can be told from the next. */
function createCounter(): { fill: (bytes: Uint8Array) => void; fills: number[]; seen: Uint8Array[] } {
  const counter = { fills: [] as number[], seen: [] as Uint8Array[], fill: (_bytes: Uint8Array) => {} };
  let next = 0;
  counter.fill = (bytes) => {
    counter.fills.push(bytes.length);
    counter.seen.push(bytes);
    for (let i = 0; i < bytes.length; i++) bytes[i] = (next++ % 251) + 1;
  };
  return counter;
}

test('no byte is given out twice', () => {
  const counter = createCounter();
  const random = createRandomPool(counter.fill);
  const all: number[] = [];
  for (const length of [24, 4, 32, 1, 0, 100, 4_000, 24]) {
    const out = new Uint8Array(length);
    random(out);
    all.push(...out);
  }
  const firstPool = all.slice(0, 161);
  assert.equal(
    firstPool,
    Array.from({ length: 161 }, (_, i) => (i % 251) + 1),
  );
  assert.is(all.includes(0), false);
  // 4000 bytes were no longer there after 161, and 24 were after those 4000.
  assert.equal(counter.fills, [4_096, 4_096]);
});

test('what was given out is no longer in the pool', () => {
  const counter = createCounter();
  const random = createRandomPool(counter.fill);
  random(new Uint8Array(100));
  assert.equal(counter.seen[0]!.slice(0, 100), new Uint8Array(100));
  assert.is(counter.seen[0]![100], 101);
});

test('more than the pool holds is filled directly', () => {
  const counter = createCounter();
  const out = new Uint8Array(10_000);
  createRandomPool(counter.fill)(out);
  assert.is(counter.seen[0], out);
});

test('the source of the system differs from call to call', () => {
  const random = createRandomPool();
  const a = new Uint8Array(32);
  const b = new Uint8Array(32);
  random(a);
  random(b);
  assert.not.equal(a, b);
});

test.run();
