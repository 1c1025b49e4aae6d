import { createDecipheriv, createHash, createPrivateKey, createPublicKey, diffieHellman, hkdfSync } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openWithRoot, rootKeyOf, sealToRoot, signKeyOf, signServerSet } from '../src/index.ts';
import { crypto, flips, LOW_ORDER_KEYS, publicOf, secret } from './keys.ts';

const ROOT = secret(100);
const ONCE = secret(7);
const TEXT = new TextEncoder().encode('a store');
const HEAD = new TextEncoder().encode('head');
const { once, sealed } = sealToRoot(signKeyOf(ROOT), ONCE, TEXT, HEAD, crypto);

test('what is sealed to a root is opened by it', () => {
  assert.equal(openWithRoot(ROOT, once, sealed, HEAD, crypto), TEXT);
});

test('no other root opens it, nor is it opened when anything of it was altered', () => {
  assert.is(openWithRoot(secret(101), once, sealed, HEAD, crypto), undefined);
  assert.is(openWithRoot(ROOT, once, sealed, TEXT, crypto), undefined);
  for (const bytes of flips(sealed)) assert.is(openWithRoot(ROOT, once, bytes, HEAD, crypto), undefined);
  for (const bytes of flips(once)) assert.is(openWithRoot(ROOT, bytes, sealed, HEAD, crypto), undefined);
  for (const key of LOW_ORDER_KEYS) assert.is(openWithRoot(ROOT, key, sealed, HEAD, crypto), undefined);
});

test('the root is found in a server set that it signed', () => {
  const server = { channelKey: Buffer.from(publicOf(secret(1))).toString('base64'), urls: ['https://10.0.0.1:8443'] };
  const signKey = Buffer.from(signKeyOf(secret(2))).toString('base64');
  assert.equal(rootKeyOf(signServerSet({ number: 1, servers: [{ ...server, signKey }] }, ROOT)), signKeyOf(ROOT));
  assert.is(rootKeyOf(TEXT), undefined);
});

test('another program opens it by RFC 8032, 7748, 5869 and 8439 alone', () => {
  const scalar = createHash('sha512').update(ROOT).digest().subarray(0, 32);
  const url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
  const own = { kty: 'OKP', crv: 'X25519', d: url(scalar), x: url(publicOf(scalar)) };
  const shared = diffieHellman({
    privateKey: createPrivateKey({ key: own, format: 'jwk' }),
    publicKey: createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: url(once) }, format: 'jwk' }),
  });
  const salt = Buffer.concat([once, signKeyOf(ROOT)]);
  const key = hkdfSync('blake2s256', shared, salt, 'pcloud/sealed-to-root/1', 32);
  const decipher = createDecipheriv('chacha20-poly1305', Buffer.from(key), Buffer.alloc(12), { authTagLength: 16 });
  decipher.setAAD(HEAD, { plaintextLength: TEXT.length });
  decipher.setAuthTag(sealed.subarray(-16));
  const opened = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
  assert.equal(new Uint8Array(opened), TEXT);
});

test.run();
