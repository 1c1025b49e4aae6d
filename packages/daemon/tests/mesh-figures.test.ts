import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createTraffic, tally } from '../src/mesh/figures.ts';

const peer = (id: string, rxBytes: number, txBytes: number) => ({ id, rxBytes, txBytes });

test('traffic only grows, though peers leave, come back and count from zero', () => {
  const traffic = createTraffic();
  assert.equal(traffic.add([peer('a', 10, 1), peer('b', 5, 5)]), { rxBytes: 15, txBytes: 6 });
  assert.equal(traffic.add([peer('a', 12, 1), peer('b', 5, 5)]), { rxBytes: 17, txBytes: 6 });
  assert.equal(traffic.add([peer('a', 12, 1)]), { rxBytes: 17, txBytes: 6 });
  assert.equal(traffic.add([peer('a', 3, 2), peer('b', 1, 0)]), { rxBytes: 21, txBytes: 8 });
  assert.equal(traffic.add([]), { rxBytes: 21, txBytes: 8 });
});

test('peers are counted by reason', () => {
  assert.equal(tally(['idle', 'connected', 'idle']), { idle: 2, connected: 1 });
});

test.run();
