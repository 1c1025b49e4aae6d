import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createKeySlots } from '../src/key-slots.ts';

function create() {
  const removed: number[] = [];
  const slots = createKeySlots({
    installKey: () => assert.unreachable('slots are only given out'),
    removeKey: (slot) => void removed.push(slot),
  });
  return { slots, removed };
}

test('slots that are in use are different', () => {
  const { slots } = create();
  assert.equal([slots.take(), slots.take(), slots.take()], [0, 1, 2]);
});

test('a retired slot keeps its key and is not given out before the flush', () => {
  const { slots, removed } = create();
  slots.take();
  slots.retire(0);
  assert.is(slots.take(), 1);
  assert.equal(removed, []);
  slots.flush();
  assert.equal(removed, [0]);
  assert.is(slots.take(), 0);
});

test('a flush zeroes each retired key once', () => {
  const { slots, removed } = create();
  for (let i = 0; i < 4; i++) slots.take();
  for (const slot of [3, 1]) slots.retire(slot);
  slots.flush();
  slots.flush();
  assert.equal(
    removed.toSorted((a, b) => a - b),
    [1, 3],
  );
  assert.equal([slots.take(), slots.take(), slots.take()].toSorted(), [1, 3, 4]);
});

test('renewing keys for ever takes no more slots than were in use at once', () => {
  const { slots } = create();
  let held = [slots.take(), slots.take()];
  for (let round = 0; round < 10_000; round++) {
    const fresh = [slots.take(), slots.take()];
    for (const slot of held) slots.retire(slot);
    slots.flush();
    held = fresh;
    assert.ok(Math.max(...held) < 4);
  }
});

test.run();
