import type { KeyObject } from 'node:crypto';
import { createHash, createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto';
import { WireGuardError } from '@pcloud/wireguard';

/** The two X25519 operations of `Crypto`. */
export interface X25519 {
  publicKey(privateKey: Uint8Array): Uint8Array;
  sharedSecret(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined;
}

/** RFC 8410 section 7: all of a PKCS#8 private key but its last 32 bytes. */
const PKCS8_PREFIX = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 0x22, 4, 0x20];

/**
 * X25519 over node:crypto. A private key is parsed once (parsing costs ten times the multiplication) and kept
 * for as long as the caller keeps the array it came in. A private key never becomes a string: a JWK would be
 * parsed faster, but leaves copies in the heap that nobody can zero.
 */
export function createX25519(): X25519 {
  const keys = new WeakMap<Uint8Array, { fingerprint: Buffer; key: KeyObject }>();

  // Owners zero and reuse their arrays: the fingerprint tells whether this is still the key that was parsed.
  function privateKeyObject(privateKey: Uint8Array): KeyObject {
    const fingerprint = createHash('blake2s256').update(privateKey).digest();
    const known = keys.get(privateKey);
    if (known?.fingerprint.equals(fingerprint)) return known.key;
    const key = parsePrivateKey(privateKey);
    keys.set(privateKey, { fingerprint, key });
    return key;
  }

  return {
    publicKey(privateKey) {
      expect32('private key', privateKey);
      const { x } = createPublicKey(privateKeyObject(privateKey)).export({ format: 'jwk' });
      return Uint8Array.from(Buffer.from(x!, 'base64url'));
    },
    sharedSecret(privateKey, publicKey) {
      expect32('private key', privateKey);
      expect32('public key', publicKey);
      const key = privateKeyObject(privateKey);
      const peer = parsePublicKey(publicKey);
      let shared: Buffer;
      try {
        shared = diffieHellman({ privateKey: key, publicKey: peer });
      } catch {
        return undefined; // OpenSSL refuses a low-order point
      }
      return isZero(shared) ? undefined : view(shared);
    },
  };
}

function parsePrivateKey(privateKey: Uint8Array): KeyObject {
  const der = Buffer.alloc(PKCS8_PREFIX.length + 32);
  der.set(PKCS8_PREFIX);
  der.set(privateKey, PKCS8_PREFIX.length);
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  } finally {
    der.fill(0);
  }
}

function parsePublicKey(publicKey: Uint8Array): KeyObject {
  const x = Buffer.from(publicKey.buffer, publicKey.byteOffset, 32).toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' });
}

/** The same bytes as a plain Uint8Array: a Buffer's `slice` would share memory where the callers expect a copy. */
export function view(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

function isZero(bytes: Uint8Array): boolean {
  let bits = 0;
  for (const byte of bytes) bits |= byte;
  return bits === 0;
}

function expect32(what: string, bytes: Uint8Array): void {
  if (bytes.length !== 32) throw new WireGuardError('INVALID_KEY', `${what}: expected 32 bytes, got ${bytes.length}`);
}
