/** 2^255 - 19, little-endian: RFC 7748 section 4.1. */
const PRIME = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 0xed : i === 31 ? 0x7f : 0xff));

/**
 * Whether 32 bytes are the one encoding of an X25519 public key. X25519 itself takes others for the same key
 * (RFC 7748 section 5), which would give one key many names, and a revoked one a new one.
 */
export function isCanonicalKey(key: Uint8Array): boolean {
  if (key.length !== 32) return false;
  for (let i = 31; i >= 0; i--) {
    if (key[i] !== PRIME[i]) return key[i]! < PRIME[i]!;
  }
  return false;
}

/** The one encoding of the key that X25519 takes 32 bytes for (RFC 7748 section 5): bit 255 is no part of it. */
export function canonicalKey(key: Uint8Array): Uint8Array {
  const canonical = key.slice();
  canonical[31]! &= 0x7f;
  // What is left above the prime is below 2^255, so that all bytes but the first are the prime's own.
  return isCanonicalKey(canonical) ? canonical : Uint8Array.of(canonical[0]! - PRIME[0]!, ...new Uint8Array(31));
}
