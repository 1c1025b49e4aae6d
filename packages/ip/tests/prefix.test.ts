import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  formatPrefix,
  maskAddress,
  type Prefix,
  parseAddress,
  parsePrefix,
  prefixContains,
  prefixesOverlap,
} from '../src/index.ts';

const bits = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');

/** Addresses that agree in many of their first bits, so that prefixes of them meet. */
const address = fc
  .constantFrom(4, 16)
  .chain((length) =>
    fc
      .array(fc.constantFrom(0, 1, 0x80, 0xc0, 0xff), { minLength: length, maxLength: length })
      .map((bytes) => Uint8Array.from(bytes)),
  );
const prefix: fc.Arbitrary<Prefix> = address.chain((bytes) =>
  fc.nat(bytes.length * 8).map((length) => ({ address: maskAddress(bytes, length), length })),
);

test('a prefix is read with its length', () => {
  assert.equal(parsePrefix('10.0.0.0/8'), { address: Uint8Array.of(10, 0, 0, 0), length: 8 });
  assert.equal(parsePrefix('0.0.0.0/0'), { address: new Uint8Array(4), length: 0 });
  assert.equal(parsePrefix('2001:db8::/32'), { address: parseAddress('2001:db8::')!, length: 32 });
});

test('a bare address is the prefix of itself alone', () => {
  assert.is(formatPrefix(parsePrefix('10.1.2.3')!), '10.1.2.3/32');
  assert.is(formatPrefix(parsePrefix('fd00::1')!), 'fd00::1/128');
});

test('host bits are cleared', () => {
  assert.is(formatPrefix(parsePrefix('192.168.4.77/22')!), '192.168.4.0/22');
  assert.is(formatPrefix(parsePrefix('192.168.4.77/23')!), '192.168.4.0/23');
  assert.is(formatPrefix(parsePrefix('fd12:3456::ffff/31')!), 'fd12:3456::/31');
});

test('a length that is missing, padded, signed or too long is refused', () => {
  for (const text of [
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0/+8',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '::/129',
    '/8',
    '10.0.0/8',
    '10.0.0.0/8 ',
    '',
  ]) {
    assert.is(parsePrefix(text), undefined, text);
  }
});

test('a prefix is read back from its text', () => {
  fc.assert(fc.property(prefix, (value) => assert.equal(parsePrefix(formatPrefix(value)), value)));
});

test('masking keeps the first bits and no other', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.nat(128), (bytes, length) => {
      assert.is(bits(maskAddress(bytes, length)), bits(bytes).slice(0, length).padEnd(128, '0'));
    }),
  );
});

test('a prefix contains exactly the addresses that start with its bits', () => {
  fc.assert(
    fc.property(prefix, address, (value, candidate) => {
      const starts = bits(candidate).startsWith(bits(value.address).slice(0, value.length));
      assert.is(prefixContains(value, candidate), starts && candidate.length === value.address.length);
    }),
  );
});

test('prefixes overlap exactly when one contains the other', () => {
  fc.assert(
    fc.property(prefix, prefix, (a, b) => {
      const contains = (outer: Prefix, inner: Prefix): boolean =>
        outer.length <= inner.length && prefixContains(outer, inner.address);
      assert.is(prefixesOverlap(a, b), contains(a, b) || contains(b, a));
    }),
  );
});

test.run();
