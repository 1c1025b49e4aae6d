import { ed25519 } from '@noble/curves/ed25519.js';
import { blake2s } from '@noble/hashes/blake2.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { expectKey, utf8 } from '../bytes.ts';
import { canonicalJson } from '../canonical-json.ts';

/** The servers of a network at one time. A node keeps the highest number it has seen. */
export interface ServerSet {
  /** From 1. */
  readonly number: number;
  readonly servers: readonly ServerSetEntry[];
}

export interface ServerSetEntry {
  /** X25519, base64: the server's end of the node channel. */
  readonly channelKey: string;
  /** Ed25519, base64: `signKeyOf` its channel key. What it signs later sets with. */
  readonly signKey: string;
  /** Public addresses, `https://HOST:PORT`. */
  readonly urls: readonly string[];
}

/** A set's signature by the network root or by a server of the set before. */
export interface ServerSetSignature {
  /** Ed25519 public key, base64. */
  readonly key: string;
  /** 64 bytes, base64. */
  readonly signature: string;
}

const STATEMENT = 'pcloud/server-set/1';
const SIGN_INFO = utf8('pcloud/server-sign/1');

/** What is signed: a label, the network's id (base32) and the set in canonical JSON. */
export function serverSetStatement(network: string, set: ServerSet): Uint8Array {
  return utf8(`${STATEMENT}\n${network}\n${canonicalJson(set)}`);
}

/** The seed (32 bytes) that a server signs with, from its channel key: one secret on disk, two keys that never meet. */
export function signSeedOf(channelPrivate: Uint8Array): Uint8Array {
  expectKey('channel private key', channelPrivate);
  return hkdf(blake2s, channelPrivate, undefined, SIGN_INFO, 32);
}

/** The Ed25519 public key of a seed: the network root's, or a server's of `signSeedOf`. */
export function signKeyOf(seed: Uint8Array): Uint8Array {
  expectKey('seed', seed);
  return ed25519.getPublicKey(seed);
}
