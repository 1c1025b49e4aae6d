/** Providers for tests alone: one that is quick, and one that does what an attacker's would. */
import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from 'node:crypto';
import { isZero } from '../../src/bytes.ts';
import { type Crypto, createNobleCrypto } from '../../src/index.ts';

// RFC 8410: the bytes in front of a raw key.
const PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex');
const SPKI = Buffer.from('302a300506032b656e032100', 'hex');

/** The reference with the X25519 of Node, for tests of many handshakes. */
export function createQuickCrypto(): Crypto {
  return {
    ...createNobleCrypto(),
    name: 'quick',
    publicKey: (privateKey) =>
      new Uint8Array(createPublicKey(privateObject(privateKey)).export({ type: 'spki', format: 'der' }).subarray(-32)),
    sharedSecret(privateKey, publicKey) {
      const der = Buffer.concat([SPKI, publicKey]);
      try {
        const secret = new Uint8Array(
          diffieHellman({
            privateKey: privateObject(privateKey),
            publicKey: createPublicKey({ key: der, format: 'der', type: 'spki' }),
          }),
        );
        return isZero(secret) ? undefined : secret;
      } catch {
        return undefined; // OpenSSL refuses points of low order
      }
    },
  };
}

/**
 * Goes on with zeros where a point has low order, as somebody does who wants to share a secret that is none.
 * @param publicKey given out in place of its own, for one message
 */
export function createCarelessCrypto(publicKey?: Uint8Array): Crypto {
  const crypto = createNobleCrypto();
  return {
    ...crypto,
    publicKey: (privateKey) => publicKey ?? crypto.publicKey(privateKey),
    sharedSecret: (privateKey, theirs) =>
      publicKey === undefined ? (crypto.sharedSecret(privateKey, theirs) ?? new Uint8Array(32)) : new Uint8Array(32),
  };
}

// To read a key costs more than to use it, and an ephemeral is used three times in a row.
const privateObjects = new Map<string, KeyObject>();

function privateObject(privateKey: Uint8Array): KeyObject {
  const name = String(privateKey);
  const known = privateObjects.get(name);
  if (known !== undefined) return known;
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, privateKey]), format: 'der', type: 'pkcs8' });
  if (privateObjects.size >= 16) privateObjects.delete(privateObjects.keys().next().value!);
  privateObjects.set(name, key);
  return key;
}
