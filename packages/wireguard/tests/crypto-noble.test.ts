import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { blake2s } from '@noble/hashes/blake2.js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createNobleCrypto } from '../src/crypto-noble.ts';
import { WireGuardError } from '../src/errors.ts';
import { cryptoSuite } from './crypto-suite.ts';
import type { Blake2sVector } from './crypto-vectors.ts';
import { bytes, hex, loadVectors } from './crypto-vectors.ts';

const crypto = createNobleCrypto();

cryptoSuite('noble', crypto, {
  aead: {
    seal: (key, nonce, plaintext, associatedData) => chacha20poly1305(key, nonce, associatedData).encrypt(plaintext),
    open(key, nonce, ciphertext, associatedData) {
      try {
        return chacha20poly1305(key, nonce, associatedData).decrypt(ciphertext);
      } catch {
        return undefined;
      }
    },
  },
});

test('the keyed BLAKE2s below the reference gives the official known answers', () => {
  for (const { kind, key, input, output } of loadVectors<Blake2sVector>('blake2s')) {
    if (kind === 'keyed-256') assert.is(hex(blake2s(bytes(input), { key: bytes(key) })), output);
  }
});

test('a key of a wrong length is the caller’s mistake, told by code', () => {
  const invalid = (error: unknown) => error instanceof WireGuardError && error.code === 'INVALID_KEY';
  const key = new Uint8Array(32).fill(1);
  assert.throws(() => crypto.sharedSecret(key, key.subarray(1)), invalid);
  assert.throws(() => crypto.sharedSecret(key.subarray(1), key), invalid);
  assert.throws(() => crypto.createTransportKey(key.subarray(1)), invalid);
});

test.run();
