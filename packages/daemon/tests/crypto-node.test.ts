import { createNobleCrypto } from '@pcloud/wireguard';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cryptoSuite } from '../../wireguard/tests/crypto-suite.ts';
import * as aead from '../src/crypto/aead.ts';
import { createNodeCrypto } from '../src/crypto/node.ts';

cryptoSuite('node', createNodeCrypto(), { aead, reference: createNobleCrypto() });

test('a secret comes in memory of its own, not in a pool that other buffers share', () => {
  const crypto = createNodeCrypto();
  const key = new Uint8Array(32).fill(7);
  const shared = crypto.sharedSecret(key, crypto.publicKey(new Uint8Array(32).fill(8)))!;
  for (const secret of [shared, crypto.hash(key), crypto.hmac(key, key)]) {
    assert.is(secret.constructor, Uint8Array);
    assert.is(secret.buffer.byteLength, 32);
  }
});

test.run();
