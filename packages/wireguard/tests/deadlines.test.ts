import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createDeadlines, type HasDeadline } from '../src/deadlines.ts';

const OFF = Number.POSITIVE_INFINITY;
const createItem = (): HasDeadline => ({ deadline: OFF, heapIndex: -1 });

test('nobody is first among none', () => {
  assert.is(createDeadlines().first(), undefined);
});

test('items come in the order of their deadlines', () => {
  const deadlines = createDeadlines();
  for (const at of [5, 3, 9, 1, 7, 3, 8]) deadlines.set(createItem(), at);
  const order: number[] = [];
  for (let item = deadlines.first(); item !== undefined; item = deadlines.first()) {
    order.push(item.deadline);
    deadlines.set(item, OFF);
  }
  assert.equal(order, [1, 3, 3, 5, 7, 8, 9]);
});

test('to remove what was never entered, or was removed, does nothing', () => {
  const deadlines = createDeadlines();
  const [in_, out] = [createItem(), createItem()];
  deadlines.set(in_, 4);
  deadlines.set(out, OFF);
  deadlines.set(in_, OFF);
  deadlines.set(in_, OFF);
  assert.is(deadlines.first(), undefined);
  assert.equal([in_.heapIndex, out.heapIndex], [-1, -1]);
});

test('any moves leave the first of a sorted list first, and nothing behind', () => {
  const move = fc.tuple(
    fc.nat(19),
    fc.oneof({ weight: 4, arbitrary: fc.nat(50) }, { weight: 1, arbitrary: fc.constant(OFF) }),
  );
  fc.assert(
    fc.property(fc.array(move, { maxLength: 200 }), (moves) => {
      const deadlines = createDeadlines();
      const items = Array.from({ length: 20 }, createItem);
      for (const [index, at] of moves) {
        deadlines.set(items[index]!, at);
        assert.is(items[index]!.deadline, at);
        const sorted = items.filter((item) => item.deadline < OFF).toSorted((a, b) => a.deadline - b.deadline);
        assert.is(deadlines.first()?.deadline, sorted[0]?.deadline);
        // Places are those of a heap without gaps.
        const places = items.map((item) => item.heapIndex).filter((place) => place >= 0);
        assert.equal(
          places.toSorted((a, b) => a - b),
          sorted.map((_, place) => place),
        );
        for (const item of items) assert.is(item.heapIndex >= 0, item.deadline < OFF);
      }
      const drained: number[] = [];
      for (let item = deadlines.first(); item !== undefined; item = deadlines.first()) {
        drained.push(item.deadline);
        deadlines.set(item, OFF);
      }
      assert.equal(
        drained,
        drained.toSorted((a, b) => a - b),
      );
    }),
    { numRuns: 500 },
  );
});

test.run();
