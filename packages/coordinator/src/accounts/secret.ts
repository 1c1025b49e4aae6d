/** Secrets that are shown once and kept as hashes. */
import { createHash } from 'node:crypto';
import { encodeBase32, encodeHex } from '@pcloud/netmap';

/** Fills with bytes that nobody can guess. */
export type Random = (out: Uint8Array) => void;

/** What a secret is for: the hash of one is of no use for another. */
export type SecretKind = 'session' | 'invitation' | 'owner-link' | 'join-token' | 'approval';

/** A new secret of so many bits, in base32: nothing of it needs escaping anywhere. */
export function newSecret(bits: number, random: Random): string {
  const bytes = new Uint8Array(bits / 8);
  random(bytes);
  const secret = encodeBase32(bytes);
  bytes.fill(0);
  return secret;
}

/** An id to speak of something by: 80 random bits, no secret. */
export function newId(random: Random): string {
  return newSecret(80, random);
}

/**
 * BLAKE2s-256 in hex: the key under which the store has what belongs to the secret. Finding it by a hash takes
 * no comparison of secrets, so time tells nothing.
 */
export function hashSecret(kind: SecretKind, secret: string): string {
  return encodeHex(createHash('blake2s256').update(`pcloud/${kind}/1\0${secret}`).digest());
}
