import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addBytes, foldSum, internetChecksum, pseudoHeaderSum, updateChecksum } from '../src/index.ts';
import { ipv4, ipv6, obviousChecksum, transportChecksum } from './packets.ts';

// RFC 1071 section 3.
test('the example of RFC 1071 adds up', () => {
  const bytes = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7);
  assert.is(foldSum(addBytes(0, bytes, 0, 8)), 0xddf2);
  assert.is(internetChecksum(bytes, 0, 8), 0x220d);
});

test('a checksum equals the one of the obvious sum, at any place and length', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(7), (data, at) => {
      const bytes = new Uint8Array(at + data.length + 3).fill(0xaa);
      bytes.set(data, at);
      assert.is(internetChecksum(bytes, at, data.length), obviousChecksum(data));
    }),
  );
});

test('64 KB of ones do not overflow the sum', () => {
  const bytes = new Uint8Array(65_536).fill(0xff);
  assert.is(internetChecksum(bytes, 0, 65_535, 0xffff), obviousChecksum(bytes.subarray(0, 65_535)));
  assert.is(internetChecksum(bytes, 0, 65_536, 0xffff), 0);
});

test('bytes that hold their own checksum check to zero', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 2, maxLength: 100 }), (bytes) => {
      bytes[0] = 0;
      bytes[1] = 0;
      const checksum = internetChecksum(bytes, 0, bytes.length);
      bytes[0] = checksum >> 8;
      bytes[1] = checksum & 0xff;
      assert.is(internetChecksum(bytes, 0, bytes.length), 0);
    }),
  );
});

test('the pseudo-header of both families is summed', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 99 }), fc.nat(255), fc.boolean(), (payload, protocol, isV4) => {
      const packet = isV4 ? ipv4({ payload, protocol }) : ipv6({ payload, protocol });
      const offset = isV4 ? 20 : 40;
      const pseudo = pseudoHeaderSum(packet, 0, protocol, payload.length);
      assert.is(internetChecksum(packet, offset, payload.length, pseudo), transportChecksum(packet, offset, protocol));
    }),
  );
});

// RFC 1624 section 4.
test('the corner case of RFC 1624 comes out as zero', () => {
  assert.is(updateChecksum(0xdd2f, 0x5555, 0x3285), 0x0000);
});

test('an updated checksum is the one of the changed bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 40 }), fc.nat(0xffff), (bytes, word) => {
      // A word that stays, so that the sum is not zero in two ways.
      bytes[2] = 0x45;
      const checksum = internetChecksum(bytes, 0, bytes.length);
      const before = (bytes[0]! << 8) | bytes[1]!;
      bytes[0] = word >> 8;
      bytes[1] = word & 0xff;
      assert.is(updateChecksum(checksum, before, word), internetChecksum(bytes, 0, bytes.length));
    }),
  );
});

test.run();
