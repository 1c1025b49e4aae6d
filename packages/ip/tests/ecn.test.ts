import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decapsulateEcn, ECN, encapsulateEcn } from '../src/index.ts';

const { NOT_ECT, ECT_0, ECT_1, CE } = ECN;

test('the codepoints are those of RFC 3168', () => {
  assert.equal([NOT_ECT, ECT_1, ECT_0, CE], [0b00, 0b01, 0b10, 0b11]);
});

test('encapsulation copies the ECN field and no class', () => {
  for (let tos = 0; tos < 256; tos++) assert.is(encapsulateEcn(tos), tos & 3);
});

// RFC 6040 figure 4, row by row: inner, then outer Not-ECT, ECT(0), ECT(1), CE.
test('decapsulation follows figure 4 of RFC 6040', () => {
  const rows = [
    [NOT_ECT, NOT_ECT, NOT_ECT, NOT_ECT, -1],
    [ECT_0, ECT_0, ECT_0, ECT_1, CE],
    [ECT_1, ECT_1, ECT_1, ECT_1, CE],
    [CE, CE, CE, CE, CE],
  ] as const;
  for (const [inner, ...row] of rows) {
    for (const [i, outer] of [NOT_ECT, ECT_0, ECT_1, CE].entries()) {
      assert.is(decapsulateEcn(outer | 0xb8, inner | 0x28), row[i], `outer ${outer}, inner ${inner}`);
    }
  }
});

test.run();
