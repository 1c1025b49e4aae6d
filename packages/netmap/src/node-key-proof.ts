/**
 * A proof that whoever registers a node key holds its private half: a MAC over the handshake's hash, under a
 * key that only the node key and the server's fresh challenge key give. It serves no other channel.
 */
import type { Crypto } from '@pcloud/wireguard';
import { equalBytes, expectKey, utf8 } from './bytes.ts';
import { isCanonicalKey } from './public-key.ts';

const INFO = utf8('pcloud/node-key/1');
const NO_SALT = new Uint8Array(32);
const ONE = Uint8Array.of(1);

/** 32 bytes, or undefined when the challenge key is of low order. */
export function proveNodeKey(options: {
  readonly crypto: Crypto;
  readonly nodePrivate: Uint8Array;
  /** The server's, fresh. */
  readonly challengeKey: Uint8Array;
  readonly handshakeHash: Uint8Array;
}): Uint8Array | undefined {
  expectKey('node private key', options.nodePrivate);
  if (!isCanonicalKey(options.challengeKey)) return undefined;
  return computeProof(options.crypto, options.nodePrivate, options.challengeKey, options.handshakeHash);
}

/** Whether the proof is one of that node key for this handshake. A key that is not canonical has none. */
export function verifyNodeKey(options: {
  readonly crypto: Crypto;
  readonly nodeKey: Uint8Array;
  readonly challengePrivate: Uint8Array;
  readonly handshakeHash: Uint8Array;
  readonly proof: Uint8Array;
}): boolean {
  expectKey('challenge private key', options.challengePrivate);
  if (!isCanonicalKey(options.nodeKey)) return false;
  const expected = computeProof(options.crypto, options.challengePrivate, options.nodeKey, options.handshakeHash);
  return expected !== undefined && equalBytes(expected, options.proof);
}

function computeProof(
  crypto: Crypto,
  privateKey: Uint8Array,
  publicKey: Uint8Array,
  handshakeHash: Uint8Array,
): Uint8Array | undefined {
  const shared = crypto.sharedSecret(privateKey, publicKey);
  if (shared === undefined) return undefined;
  const extracted = crypto.hmac(NO_SALT, shared); // RFC 5869 section 2.2
  const key = crypto.hmac(extracted, INFO, ONE); // RFC 5869 section 2.3
  const proof = crypto.hmac(key, handshakeHash);
  for (const secret of [shared, extracted, key]) secret.fill(0);
  return proof;
}
