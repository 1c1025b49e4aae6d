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
