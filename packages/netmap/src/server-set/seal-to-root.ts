/**
 * Bytes that only the network's root opens, for copies that are kept where a thief may find them. X25519 with a key
 * that is used once, and the root's Ed25519 key as the same point in Montgomery form (RFC 7748 section 4.1).
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import { blake2s } from '@noble/hashes/blake2.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import type { Crypto } from '@pcloud/wireguard';
import { expectKey, utf8 } from '../bytes.ts';
import { decodeBase64 } from '../text.ts';
import { decodeChain } from './chain.ts';
import { signKeyOf } from './server-set.ts';

const INFO = utf8('pcloud/sealed-to-root/1');

/** The root's Ed25519 public key that a signed server set bears, or undefined when the bytes are none. */
export function rootKeyOf(signed: Uint8Array): Uint8Array | undefined {
  const chain = decodeChain(signed);
  return chain && decodeBase64(chain.root);
}

/**
 * @param root Ed25519 public key
 * @param oncePrivate X25519, 32 bytes at random that are used for nothing else
 * @param associatedData what must be the same when it is opened
 * @returns the bytes sealed, and the public half of `oncePrivate`
 */
export function sealToRoot(
  root: Uint8Array,
  oncePrivate: Uint8Array,
  plaintext: Uint8Array,
  associatedData: Uint8Array,
  crypto: Crypto,
): { readonly once: Uint8Array; readonly sealed: Uint8Array } {
  expectKey('root public key', root);
  expectKey('key for once', oncePrivate);
  const once = crypto.publicKey(oncePrivate);
  const shared = crypto.sharedSecret(oncePrivate, ed25519.utils.toMontgomery(root))!;
  const key = keyOf(shared, once, root);
  const sealed = crypto.seal(key, plaintext, associatedData);
  shared.fill(0);
  key.fill(0);
  return { once, sealed };
}

/** The plaintext of `sealToRoot`, or undefined when it was sealed to another root, or altered. */
export function openWithRoot(
  rootSeed: Uint8Array,
  once: Uint8Array,
  sealed: Uint8Array,
  associatedData: Uint8Array,
  crypto: Crypto,
): Uint8Array | undefined {
  expectKey('root seed', rootSeed);
  const secret = ed25519.utils.toMontgomerySecret(rootSeed);
  const shared = crypto.sharedSecret(secret, once);
  secret.fill(0);
  if (shared === undefined) return undefined;
  const key = keyOf(shared, once, signKeyOf(rootSeed));
  const plaintext = crypto.open(key, sealed, associatedData);
  shared.fill(0);
  key.fill(0);
  return plaintext;
}

function keyOf(shared: Uint8Array, once: Uint8Array, root: Uint8Array): Uint8Array {
  return hkdf(blake2s, shared, Uint8Array.of(...once, ...root), INFO, 32);
}
