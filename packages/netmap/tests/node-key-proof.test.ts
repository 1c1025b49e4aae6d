import type { Crypto } from '@pcloud/wireguard';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { proveNodeKey, verifyNodeKey } from '../src/index.ts';
import { aliasOf, crypto, flips, LOW_ORDER_KEYS, publicOf, resized, secret } from './keys.ts';

const handshakeHash = secret(3);

function prove(nodePrivate = secret(1), challengePrivate = secret(2), hash = handshakeHash): Uint8Array {
  return proveNodeKey({ crypto, nodePrivate, challengeKey: publicOf(challengePrivate), handshakeHash: hash })!;
}

function verify(proof: Uint8Array, changes: Partial<Parameters<typeof verifyNodeKey>[0]> = {}): boolean {
  return verifyNodeKey({
    crypto,
    nodeKey: publicOf(secret(1)),
    challengePrivate: secret(2),
    handshakeHash,
    proof,
    ...changes,
  });
}

test('who holds a node key proves it', () => {
  assert.ok(verify(prove()));
});

test('a proof is HMAC-BLAKE2s over the handshake’s hash, under HKDF of the DH', () => {
  const shared = crypto.sharedSecret(secret(1), publicOf(secret(2)))!;
  const extracted = crypto.hmac(new Uint8Array(32), shared);
  const key = crypto.hmac(extracted, Buffer.from('pcloud/node-key/1\x01'));
  assert.equal(prove(), crypto.hmac(key, handshakeHash));
});

test('a proof is good for no other key, challenge or channel', () => {
  assert.not(verify(prove(secret(4))));
  assert.not(verify(prove(), { nodeKey: publicOf(secret(4)) }));
  assert.not(verify(prove(secret(1), secret(4))));
  assert.not(verify(prove(), { challengePrivate: secret(4) }));
  assert.not(verify(prove(secret(1), secret(2), secret(4))));
});

test('a proof with any byte changed or of another length is none', () => {
  for (const altered of [...flips(prove()), ...resized(prove())]) assert.not(verify(altered));
});

test('keys of low order, in another encoding or of another length have no proof', () => {
  const nodeKeys = [...LOW_ORDER_KEYS, aliasOf(publicOf(secret(1))), new Uint8Array(31), new Uint8Array(0)];
  for (const nodeKey of nodeKeys) assert.not(verify(prove(), { nodeKey }));
  for (const challengeKey of [...LOW_ORDER_KEYS, aliasOf(publicOf(secret(2))), new Uint8Array(5)]) {
    assert.is(proveNodeKey({ crypto, nodePrivate: secret(1), challengeKey, handshakeHash }), undefined);
  }
});

test('no secret outlives a proof', () => {
  const secrets: Uint8Array[] = [];
  const watching: Crypto = {
    ...crypto,
    sharedSecret(...keys) {
      const shared = crypto.sharedSecret(...keys)!;
      secrets.push(shared);
      return shared;
    },
    hmac(key, ...parts) {
      secrets.push(key);
      return crypto.hmac(key, ...parts);
    },
  };
  assert.ok(verify(prove(), { crypto: watching }));
  assert.ok(secrets.length >= 4);
  for (const value of secrets) assert.equal(value, new Uint8Array(32));
});

test('no bytes from the network make it throw', () => {
  const any = fc.uint8Array({ maxLength: 40 });
  fc.assert(fc.property(any, any, (nodeKey, proof) => assert.not(verify(proof, { nodeKey }))));
});

test.run();
