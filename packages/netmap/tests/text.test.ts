import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  decodeBase32,
  decodeBase64,
  decodeBase64Url,
  decodeHex,
  encodeBase32,
  encodeBase64,
  encodeBase64Url,
  encodeHex,
} from '../src/index.ts';

const CODECS = {
  base64: { encode: encodeBase64, decode: decodeBase64 },
  base64url: { encode: encodeBase64Url, decode: decodeBase64Url },
  base32: { encode: encodeBase32, decode: decodeBase32 },
  hex: { encode: encodeHex, decode: decodeHex },
} as const;

test('base64, base64url and hex are what Node writes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
      const buffer = Buffer.from(bytes);
      assert.is(encodeBase64(bytes), buffer.toString('base64'));
      assert.is(encodeBase64Url(bytes), buffer.toString('base64url'));
      assert.is(encodeHex(bytes), buffer.toString('hex'));
    }),
  );
});

test('base32 is RFC 4648’s, in lower case and without padding', () => {
  // RFC 4648 section 10
  const vectors = {
    '': '',
    f: 'my',
    fo: 'mzxq',
    foo: 'mzxw6',
    foob: 'mzxw6yq',
    fooba: 'mzxw6ytb',
    foobar: 'mzxw6ytboi',
  };
  for (const [text, encoded] of Object.entries(vectors)) assert.is(encodeBase32(Buffer.from(text)), encoded);
  assert.is(encodeBase32(new Uint8Array(32)).length, 52);
});

for (const [name, { encode, decode }] of Object.entries(CODECS)) {
  test(`${name}: bytes come back, of the right length alone`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
        assert.equal(decode(encode(bytes)), bytes);
        assert.equal(decode(encode(bytes), bytes.length), bytes);
        assert.is(decode(encode(bytes), bytes.length + 1), undefined);
      }),
    );
  });

  test(`${name}: a text that decodes is the one that its bytes give`, () => {
    const letters = fc.string({ unit: fc.constantFrom(...'ABab0189+/-_= z2g7'), maxLength: 12 });
    fc.assert(
      fc.property(fc.oneof(letters, fc.string({ maxLength: 12 })), (text) => {
        const bytes = decode(text);
        if (bytes !== undefined) assert.is(encode(bytes), text);
      }),
      { numRuns: 2000 },
    );
  });
}

test('padding that is missing, too much or inside, and bits left over, are refused', () => {
  for (const text of ['AA', 'AA=', 'AA===', 'A===', '====', 'A', 'AA==AA==', 'AB==', 'AAB=', ' AA==', 'AA==\n']) {
    assert.is(decodeBase64(text), undefined);
  }
  assert.is(decodeBase64Url('AA=='), undefined);
  assert.is(decodeBase32('MY'), undefined);
  assert.is(decodeBase32('mz'), undefined);
  assert.is(decodeBase32('m'), undefined);
  assert.is(decodeHex('abc'), undefined);
  assert.is(decodeHex('AB'), undefined);
});

test.run();
