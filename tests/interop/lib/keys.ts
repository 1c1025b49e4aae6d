import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';

/** A WireGuard key pair in the base64 of `wg`. */
export interface KeyPair {
  readonly privateKey: string;
  readonly publicKey: string;
}

/** The DER in front of an X25519 private key, PKCS #8 (RFC 8410). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b656e04220420', 'hex');
const KEY_BYTES = 32;

/**
 * A fresh pair; the private key is clamped, so that `wg` reads back the same text. Made of random bytes, for
 * a key that `generateKeyPairSync` made can lock up Node 20 when it is exported while garbage is collected.
 */
export function createKeyPair(): KeyPair {
  const secret = randomBytes(KEY_BYTES);
  secret[0] = secret[0]! & 0xf8;
  secret[31] = (secret[31]! & 0x7f) | 0x40;
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, secret]), format: 'der', type: 'pkcs8' });
  const shown = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return { privateKey: secret.toString('base64'), publicKey: shown.subarray(-KEY_BYTES).toString('base64') };
}

/** A fresh preshared key. */
export function createPresharedKey(): string {
  return randomBytes(32).toString('base64');
}
