import { createNobleCrypto } from '@pcloud/wireguard';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addon, codeOf } from './addon.ts';
import { type Random, rounds } from './random.ts';

const noble = createNobleCrypto();
const WORDS = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff] as const;

/** Bytes that start at an odd address. */
function atOdd(bytes: Uint8Array): Uint8Array {
  const odd = new Uint8Array(bytes.length + 1).subarray(1);
  odd.set(bytes);
  return odd;
}

function sealSlowly(key: Uint8Array, low: number, high: number, plaintext: Uint8Array): Uint8Array {
  const out = new Uint8Array(plaintext.length + 16);
  out.set(plaintext);
  noble.createTransportKey(key).seal(out, 0, plaintext.length, low, high);
  return out;
}

function randomLength(random: Random): number {
  return random.of([0, 1, 15, 16, 17, 63, 64, 65, 255, 256, 257, 1420, random.integer(0, 4000)]);
}

test('this machine has an AEAD that passed its self-check', () => {
  assert.ok(addon.aeadNames().length > 0);
});

for (const name of addon.aeadNames()) {
  test(
    `${name} seals what noble seals, with counters at their ends and at odd places`,
    rounds(200, (random) => {
      const [key, plaintext] = [random.bytes(32), random.bytes(randomLength(random))];
      const [low, high] = [random.of(WORDS), random.of(WORDS)];
      const before = plaintext.slice();
      const sealed = addon.sealOnce(name, atOdd(key), low, high, atOdd(plaintext));
      assert.equal(sealed, sealSlowly(key, low, high, plaintext));
      assert.equal(plaintext, before);
      assert.equal(addon.openOnce(name, key, low, high, atOdd(sealed)), plaintext);
    }),
  );

  test(
    `${name} opens nothing that was changed, cut off, or sealed under another key or counter`,
    rounds(100, (random) => {
      const [key, other] = [random.bytes(32), random.bytes(32)];
      const sealed = sealSlowly(key, 5, 6, random.bytes(randomLength(random)));
      const changed = sealed.slice();
      changed[random.integer(0, sealed.length - 1)]! ^= 1 << random.integer(0, 7);
      assert.is(addon.openOnce(name, key, 5, 6, changed), undefined);
      assert.is(addon.openOnce(name, key, 5, 6, sealed.subarray(0, -1)), undefined);
      assert.is(addon.openOnce(name, other, 5, 6, sealed), undefined);
      assert.is(addon.openOnce(name, key, 6, 5, sealed), undefined);
    }),
  );

  test(`${name} seals the longest message that a slot can hold`, () => {
    const [key, plaintext] = [new Uint8Array(32).fill(7), new Uint8Array(65_535).fill(9)];
    const sealed = addon.sealOnce(name, key, 0, 0, plaintext);
    assert.equal(sealed, sealSlowly(key, 0, 0, plaintext));
  });
}

test('what is shorter than a tag does not open', () => {
  const [name] = addon.aeadNames();
  for (let length = 0; length < 16; length++) {
    assert.is(addon.openOnce(name!, new Uint8Array(32), 0, 0, new Uint8Array(length)), undefined);
  }
});

test('an AEAD that this machine does not have is ENOTSUP', () => {
  const [key, none] = [new Uint8Array(32), new Uint8Array()];
  assert.is(
    codeOf(() => addon.sealOnce('rot13', key, 0, 0, none)),
    'ENOTSUP',
  );
  assert.is(
    codeOf(() => addon.openOnce('', key, 0, 0, none)),
    'ENOTSUP',
  );
});

test.run();
