import { type Crypto, createNobleCrypto } from '@pcloud/wireguard';
import fc from 'fast-check';

export const crypto: Crypto = createNobleCrypto();

/** A private key that is told from others by its seed. */
export function secret(seed: number): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => (i * 7 + seed * 13 + 1) & 0xff);
}

export function publicOf(privateKey: Uint8Array): Uint8Array {
  return crypto.publicKey(privateKey);
}

export const bytes32: fc.Arbitrary<Uint8Array> = fc.uint8Array({ minLength: 32, maxLength: 32 });

/** Public keys whose DH is zero with every private key, and one that is not canonical: u = p + 1 stands for 1. */
export const LOW_ORDER_KEYS: readonly Uint8Array[] = [
  new Uint8Array(32),
  Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0)),
  Uint8Array.from(Buffer.from('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800', 'hex')),
  Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 0xec : i === 31 ? 0x7f : 0xff)),
];

/** The same key with the bit set that X25519 ignores. */
export function aliasOf(publicKey: Uint8Array): Uint8Array {
  const alias = publicKey.slice();
  alias[31] = alias[31]! | 0x80;
  return alias;
}

/** Each copy of the bytes in which one of them is changed. */
export function* flips(bytes: Uint8Array): Generator<Uint8Array> {
  for (let i = 0; i < bytes.length; i++) {
    const flipped = bytes.slice();
    flipped[i] = flipped[i]! ^ (1 << (i & 7));
    yield flipped;
  }
}

/** Cuts and an extension: what is not of the one length. */
export function* resized(bytes: Uint8Array): Generator<Uint8Array> {
  for (let length = 0; length < bytes.length; length++) yield bytes.slice(0, length);
  const longer = new Uint8Array(bytes.length + 1);
  longer.set(bytes);
  yield longer;
}
