import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  copyEndpoint,
  createEndpoint,
  ENDPOINT,
  endpointAddressBytes,
  formatEndpoint,
  parseAddress,
  parseEndpoint,
  sameEndpoint,
  sameSource,
  writeEndpoint,
} from '../src/index.ts';

const address = fc.constantFrom(4, 16).chain((length) => fc.uint8Array({ minLength: length, maxLength: length }));
const port = fc.nat(65_535);

test('an endpoint is written as it was read', () => {
  for (const text of [
    '1.2.3.4:51820',
    '[::1]:51820',
    '[fe80::1%2]:51820',
    '[2001:db8::1]:0',
    '1.2.3.4:65535',
    '[fe80::1%4294967295]:1',
    '[fe80::1]:1',
  ]) {
    assert.is(formatEndpoint(parseEndpoint(text)!), text);
  }
});

test('text that is no endpoint is refused', () => {
  for (const text of [
    '',
    '1.2.3.4',
    '1.2.3.4:',
    ':51820',
    '1.2.3.4:65536',
    '1.2.3.4:051820',
    '1.2.3.4:-1',
    '1.2.3.4:1e3',
    '::1:51820',
    '[::1]',
    '[::1]51820',
  ]) {
    assert.is(parseEndpoint(text), undefined, text);
  }
  for (const text of [
    '[::1:51820',
    '::1]:51820',
    '[1.2.3.4]:51820',
    '[]:1',
    '[%1]:1',
    '[fe80::1%]:1',
    '[fe80::1%0]:1',
    '[fe80::1%02]:1',
    '[fe80::1%4294967296]:1',
    '[fe80::1%eth0]:1',
    'host:1',
    '1.2.3.4%1:1',
  ]) {
    assert.is(parseEndpoint(text), undefined, text);
  }
});

test('only a link-local address takes a scope', () => {
  assert.is(parseEndpoint('[2001:db8::1%2]:51820'), undefined);
  assert.is(parseEndpoint('[::ffff:1.2.3.4%2]:51820'), undefined);
});

test('a scope that is a name is looked up where the caller can', () => {
  const record = parseEndpoint('[fe80::1%eth0]:51820', (name) => (name === 'eth0' ? 7 : undefined));
  assert.is(formatEndpoint(record!), '[fe80::1%7]:51820');
  assert.is(
    parseEndpoint('[fe80::1%eth1]:51820', () => undefined),
    undefined,
  );
});

test('an IPv4-mapped address is the IPv4 address', () => {
  const mapped = parseEndpoint('[::ffff:1.2.3.4]:51820')!;
  assert.is(formatEndpoint(mapped), '1.2.3.4:51820');
  assert.equal(mapped, parseEndpoint('1.2.3.4:51820'));
  assert.equal(createEndpoint(parseAddress('::ffff:1.2.3.4')!, 51_820), mapped);
});

test('address words hold the bytes of the wire in memory order', () => {
  const v4 = createEndpoint(Uint8Array.of(1, 2, 3, 4), 9);
  assert.equal(new Uint8Array(v4.buffer, ENDPOINT.ADDRESS * 4, 4), Uint8Array.of(1, 2, 3, 4));
  assert.equal([v4[ENDPOINT.FAMILY], v4[ENDPOINT.PORT]], [4, 9]);
  const bytes = Uint8Array.from({ length: 16 }, (_, i) => i + 1);
  const v6 = createEndpoint(bytes, 9, 3);
  assert.equal(new Uint8Array(v6.buffer, ENDPOINT.ADDRESS * 4, 16), bytes);
  assert.equal([v6[ENDPOINT.FAMILY], v6[ENDPOINT.SCOPE]], [6, 3]);
});

test('an address of another length is refused by name', () => {
  assert.throws(() => createEndpoint(new Uint8Array(8), 1), /"address" expected Uint8Array of length 4 or 16, got 8/);
});

test('a record gives back its address, and an empty one none', () => {
  fc.assert(
    fc.property(address, port, (bytes, number) => {
      const record = createEndpoint(bytes, number);
      assert.equal(endpointAddressBytes(record, 0), bytes);
      assert.equal(parseEndpoint(formatEndpoint(record)), record);
    }),
  );
  assert.is(endpointAddressBytes(new Int32Array(ENDPOINT.WORDS), 0).length, 0);
  assert.is(formatEndpoint(new Int32Array(ENDPOINT.WORDS)), '');
});

test('a slot is written, copied and compared inside a table that starts inside a buffer', () => {
  const table = new Int32Array(new ArrayBuffer(8 + 4 * ENDPOINT.WORDS * 4), 8);
  table.fill(-1);
  writeEndpoint(table, 1, Uint8Array.of(10, 0, 0, 1), 7);
  copyEndpoint(table, 1, table, 3);
  assert.is(formatEndpoint(table, 3), '10.0.0.1:7');
  assert.ok(sameEndpoint(table, 1, 3));
  assert.is(table[0], -1);
  assert.is(table[2 * ENDPOINT.WORDS], -1);
  const alone = new Int32Array(ENDPOINT.WORDS);
  copyEndpoint(table, 3, alone, 0);
  assert.equal(alone, createEndpoint(Uint8Array.of(10, 0, 0, 1), 7));
});

test('endpoints differ by family, port, scope and every byte of the address', () => {
  const texts = [
    '[fe80::1%1]:5',
    '[fe80::1%2]:5',
    '[fe80::1%1]:6',
    '[fe80::2%1]:5',
    '[fe81::1%1]:5',
    '1.2.3.4:5',
    '1.2.3.5:5',
    '1.2.3.4:6',
  ];
  const table = new Int32Array(texts.length * ENDPOINT.WORDS);
  for (const [slot, text] of texts.entries()) table.set(parseEndpoint(text)!, slot * ENDPOINT.WORDS);
  for (let a = 0; a < texts.length; a++) {
    for (let b = 0; b < texts.length; b++) assert.is(sameEndpoint(table, a, b), a === b, `${texts[a]} ${texts[b]}`);
  }
});

test('what is not the remote does not make endpoints differ', () => {
  const table = new Int32Array(2 * ENDPOINT.WORDS);
  for (const slot of [0, 1]) writeEndpoint(table, slot, Uint8Array.of(10, 0, 0, 1), 7);
  table[ENDPOINT.HAS_SOURCE] = 1;
  table[ENDPOINT.SOURCE] = 5;
  table[ENDPOINT.NO_SEGMENTATION] = 1;
  assert.ok(sameEndpoint(table, 0, 1));
});

test('sources differ by presence, interface and address', () => {
  const table = new Int32Array(2 * ENDPOINT.WORDS);
  for (const slot of [0, 1]) writeEndpoint(table, slot, new Uint8Array(16).fill(slot + 1), 7 + slot);
  assert.ok(sameSource(table, 0, 1), 'both none, whatever the remotes');
  table[ENDPOINT.HAS_SOURCE] = 1;
  assert.not.ok(sameSource(table, 0, 1));
  table[ENDPOINT.WORDS + ENDPOINT.HAS_SOURCE] = 1;
  assert.ok(sameSource(table, 0, 1));
  table[ENDPOINT.SOURCE + 3] = 1;
  assert.not.ok(sameSource(table, 0, 1));
  table[ENDPOINT.SOURCE + 3] = 0;
  table[ENDPOINT.SOURCE_INTERFACE] = 2;
  assert.not.ok(sameSource(table, 0, 1));
});

test.run();
