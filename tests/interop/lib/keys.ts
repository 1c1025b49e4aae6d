import { generateKeyPairSync, randomBytes } from 'node:crypto';

/** A WireGuard key pair in the base64 of `wg`. */
export interface KeyPair {
  readonly privateKey: string;
  readonly publicKey: string;
}

/** A fresh pair; the private key is clamped, so that `wg` reads back the same text. */
export function createKeyPair(): KeyPair {
  const { d, x } = generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' });
  const secret = Buffer.from(d!, 'base64url');
  secret[0] = secret[0]! & 0xf8;
  secret[31] = (secret[31]! & 0x7f) | 0x40;
  return { privateKey: secret.toString('base64'), publicKey: Buffer.from(x!, 'base64url').toString('base64') };
}

/** A fresh preshared key. */
export function createPresharedKey(): string {
  return randomBytes(32).toString('base64');
}
