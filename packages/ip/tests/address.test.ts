import { isIPv4, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { formatAddress, isIpv4Mapped, isLinkLocal, parseAddress } from '../src/index.ts';

const addressBytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });
/** Mostly zeros, so that runs of them of every length occur. */
const sparseIpv6 = fc
  .array(fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(0xffff)), { minLength: 8, maxLength: 8 })
  .map((groups) => Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff])));

test('IPv4 text is read as four bytes', () => {
  assert.equal(parseAddress('10.0.0.1'), Uint8Array.of(10, 0, 0, 1));
  assert.equal(parseAddress('255.255.255.255'), Uint8Array.of(255, 255, 255, 255));
});

test('IPv4 text that another reader may take for octal, hexadecimal or short is refused', () => {
  for (const text of [
    '010.0.0.1',
    '0x0a.0.0.1',
    '10.1',
    '1.2.3.256',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.',
    '.1.2.3',
    '1..2.3',
  ]) {
    assert.is(parseAddress(text), undefined, text);
  }
  for (const text of ['', ' 1.2.3.4', '1.2.3.4 ', '1.2.3.-4', '1.2.3.4/8', '1.2.3.٤', '1.2.3.4\n', '167772161']) {
    assert.is(parseAddress(text), undefined, text);
  }
});

// RFC 4291 section 2.2, with its own examples.
test('the three textual forms of IPv6 are read', () => {
  const loopback = new Uint8Array(16);
  loopback[15] = 1;
  assert.equal(parseAddress('::1'), loopback);
  assert.equal(parseAddress('0:0:0:0:0:0:0:1'), loopback);
  assert.equal(parseAddress('2001:DB8:0:0:8:800:200C:417A'), parseAddress('2001:db8::8:800:200c:417a'));
  assert.equal(parseAddress('0:0:0:0:0:FFFF:129.144.52.38'), parseAddress('::ffff:8190:3426'));
  assert.equal(parseAddress('1:2:3:4:5:6:7::'), parseAddress('1:2:3:4:5:6:7:0'));
  assert.equal(parseAddress('::'), new Uint8Array(16));
});

test('IPv6 text with too many, too few or malformed groups is refused', () => {
  for (const text of [
    ':',
    ':::',
    '1',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    '1:2:3:4:5:6:7:8::',
    '::1:2:3:4:5:6:7:8',
  ]) {
    assert.is(parseAddress(text), undefined, text);
  }
  for (const text of [
    '12345::',
    'g::',
    '1:',
    ':1',
    '::1:',
    ':1::',
    '1.2.3.4::',
    '::1.2.3',
    '::1.2.3.4:5',
    '::01.2.3.4',
    'fe80::1%2',
    '[::1]',
  ]) {
    assert.is(parseAddress(text), undefined, text);
  }
});

// RFC 5952 sections 4 and 5.
test('IPv6 is written in its one canonical form', () => {
  const canonical: Record<string, string> = {
    '2001:0db8::0001': '2001:db8::1',
    '2001:db8:0:0:0:0:2:1': '2001:db8::2:1',
    '2001:db8:0:1:1:1:1:1': '2001:db8:0:1:1:1:1:1',
    '2001:0:0:1:0:0:0:1': '2001:0:0:1::1',
    '2001:db8:0:0:1:0:0:1': '2001:db8::1:0:0:1',
    '2001:DB8::ABCD': '2001:db8::abcd',
    '::FFFF:C000:201': '::ffff:192.0.2.1',
    '0:0:0:0:0:0:0:0': '::',
    '1:0:0:0:0:0:0:0': '1::',
    '1:2:3:4:5:6:7:0': '1:2:3:4:5:6:7:0',
  };
  for (const [text, expected] of Object.entries(canonical)) {
    assert.is(formatAddress(parseAddress(text)!), expected);
  }
});

test('formatting an array that is no address names the argument', () => {
  assert.throws(() => formatAddress(new Uint8Array(5)), /"bytes" expected Uint8Array of length 4 or 16, got 5/);
});

test('every address is read back from its text', () => {
  fc.assert(
    fc.property(fc.oneof(addressBytes(4), addressBytes(16), sparseIpv6), (bytes) => {
      assert.equal(parseAddress(formatAddress(bytes)), bytes);
    }),
  );
});

test('the same texts are accepted as Node accepts, scopes aside', () => {
  const character = fc.constantFrom(...'0123456789abcfF:.:.::'.split(''));
  const text = fc.oneof(
    fc.string({ unit: character, maxLength: 24 }),
    fc
      .array(fc.constantFrom('::', ':', '0', 'ffff', '1.2.3.4', '255', '.', '00', '12345'), { maxLength: 17 })
      .map((parts) => parts.join('')),
    sparseIpv6.map((bytes) =>
      Array.from({ length: 8 }, (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16)).join(':'),
    ),
  );
  fc.assert(
    fc.property(text, (candidate) => {
      assert.is(parseAddress(candidate) !== undefined, isIPv4(candidate) || isIPv6(candidate), candidate);
    }),
    { numRuns: 2000 },
  );
});

test('an IPv4-mapped and a link-local address are told from others', () => {
  assert.ok(isIpv4Mapped(parseAddress('::ffff:1.2.3.4')!));
  assert.not.ok(isIpv4Mapped(parseAddress('::fffe:1.2.3.4')!));
  assert.not.ok(isIpv4Mapped(parseAddress('1::ffff:1.2.3.4')!));
  assert.not.ok(isIpv4Mapped(parseAddress('1.2.3.4')!));
  assert.ok(isLinkLocal(parseAddress('fe80::1')!));
  assert.ok(isLinkLocal(parseAddress('febf::1')!));
  assert.not.ok(isLinkLocal(parseAddress('fec0::1')!));
  assert.not.ok(isLinkLocal(parseAddress('254.128.0.1')!));
});

test.run();
