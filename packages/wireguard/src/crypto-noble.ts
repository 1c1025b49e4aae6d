import { chacha20poly1305, xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { blake2s } from '@noble/hashes/blake2.js';
import { hmac as nobleHmac } from '@noble/hashes/hmac.js';
import type { Crypto, TransportKey } from './crypto.ts';
import { WireGuardError } from './errors.ts';

const TAG_BYTES = 16;
const HASH = { dkLen: 32 };

/** RFC 8439 2.8: handshakes use each key once, under nonce 0. */
const ZERO_NONCE = new Uint8Array(12);

/** What noble's AEADs have in common once key, nonce and associated data are given. */
interface Aead {
  decrypt(ciphertext: Uint8Array): Uint8Array;
}

/**
 * The reference provider, over @noble. It runs wherever JavaScript does; every other provider is held to it.
 * Keys of a wrong length are a caller's mistake and throw `INVALID_KEY`, or noble's own error.
 */
export function createNobleCrypto(): Crypto {
  return {
    name: 'noble',
    publicKey: (privateKey) => x25519.getPublicKey(privateKey),
    sharedSecret,
    hash: (...parts) => absorb(blake2s.create(HASH), parts).digest(),
    mac: (key, ...parts) => absorb(blake2s.create({ key, dkLen: 16 }), parts).digest(),
    hmac: (key, ...parts) => absorb(nobleHmac.create(blake2s, key), parts).digest(),
    seal: (key, plaintext, associatedData) => chacha20poly1305(key, ZERO_NONCE, associatedData).encrypt(plaintext),
    open: (key, ciphertext, associatedData) => opened(chacha20poly1305(key, ZERO_NONCE, associatedData), ciphertext),
    sealX: (key, nonce, plaintext, associatedData) => xchacha20poly1305(key, nonce, associatedData).encrypt(plaintext),
    openX: (key, nonce, ciphertext, associatedData) =>
      opened(xchacha20poly1305(key, nonce, associatedData), ciphertext),
    createTransportKey,
  };
}

function sharedSecret(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined {
  // Checked here, because below a wrong length would look like a low-order point.
  expect32('private key', privateKey);
  expect32('public key', publicKey);
  try {
    return x25519.getSharedSecret(privateKey, publicKey);
  } catch {
    return undefined; // noble throws on a low-order point
  }
}

function absorb<H extends { update(part: Uint8Array): unknown }>(hash: H, parts: readonly Uint8Array[]): H {
  for (const part of parts) hash.update(part);
  return hash;
}

function opened(aead: Aead, ciphertext: Uint8Array): Uint8Array | undefined {
  if (ciphertext.length < TAG_BYTES) return undefined;
  try {
    return aead.decrypt(ciphertext);
  } catch {
    return undefined; // noble throws on a bad tag
  }
}

function createTransportKey(key: Uint8Array): TransportKey {
  expect32('transport key', key);
  const owned = Uint8Array.from(key);
  const nonce = new Uint8Array(12);
  const counter = new DataView(nonce.buffer, 4);

  function aead(counterLow: number, counterHigh: number): ReturnType<typeof chacha20poly1305> {
    counter.setUint32(0, counterLow, true);
    counter.setUint32(4, counterHigh, true);
    return chacha20poly1305(owned, nonce);
  }

  return {
    seal(buffer, at, length, counterLow, counterHigh) {
      const end = at + length;
      aead(counterLow, counterHigh).encrypt(buffer.subarray(at, end), buffer.subarray(at, end + TAG_BYTES));
    },
    open(buffer, at, length, counterLow, counterHigh) {
      if (length < TAG_BYTES) return false;
      const end = at + length;
      const cipher = aead(counterLow, counterHigh);
      try {
        cipher.decrypt(buffer.subarray(at, end), buffer.subarray(at, end - TAG_BYTES));
        return true;
      } catch {
        return false; // noble throws on a bad tag
      }
    },
    destroy: () => void owned.fill(0),
  };
}

function expect32(what: string, bytes: Uint8Array): void {
  if (bytes.length !== 32) throw new WireGuardError('INVALID_KEY', `${what}: expected 32 bytes, got ${bytes.length}`);
}
