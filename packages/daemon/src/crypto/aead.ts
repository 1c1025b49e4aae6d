import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { TransportKey } from '@pcloud/wireguard';
import { WireGuardError } from '@pcloud/wireguard';

const ALGORITHM = 'chacha20-poly1305';
const TAG_BYTES = 16;
const OPTIONS = { authTagLength: TAG_BYTES };

/** ChaCha20-Poly1305 (RFC 8439) over node:crypto: ciphertext and tag. */
export function seal(
  key: Uint8Array,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  associatedData: Uint8Array,
): Uint8Array {
  const sealed = new Uint8Array(plaintext.length + TAG_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce, OPTIONS);
  cipher.setAAD(associatedData, { plaintextLength: plaintext.length });
  sealed.set(cipher.update(plaintext));
  cipher.final();
  sealed.set(cipher.getAuthTag(), plaintext.length);
  return sealed;
}

/** The plaintext of `seal`, or `undefined` when it does not verify or is shorter than a tag. */
export function open(
  key: Uint8Array,
  nonce: Uint8Array,
  ciphertext: Uint8Array,
  associatedData: Uint8Array,
): Uint8Array | undefined {
  const length = ciphertext.length - TAG_BYTES;
  if (length < 0) return undefined;
  const decipher = createDecipheriv(ALGORITHM, key, nonce, OPTIONS);
  decipher.setAAD(associatedData, { plaintextLength: length });
  decipher.setAuthTag(ciphertext.subarray(length));
  const plaintext = decipher.update(ciphertext.subarray(0, length));
  try {
    decipher.final();
  } catch {
    return undefined; // final throws on a bad tag
  }
  return Uint8Array.from(plaintext);
}

/**
 * A transport key over node:crypto. The key stays in bytes and not in a KeyObject, which nobody can zero.
 * Node offers no output buffer, so each packet costs a copy.
 */
export function createTransportKey(key: Uint8Array): TransportKey {
  if (key.length !== 32) {
    throw new WireGuardError('INVALID_KEY', `transport key: expected 32 bytes, got ${key.length}`);
  }
  const owned = Uint8Array.from(key);
  const nonce = new Uint8Array(12);
  const counter = new DataView(nonce.buffer, 4);

  function setCounter(low: number, high: number): void {
    counter.setUint32(0, low, true);
    counter.setUint32(4, high, true);
  }

  return {
    seal(buffer, at, length, counterLow, counterHigh) {
      setCounter(counterLow, counterHigh);
      const cipher = createCipheriv(ALGORITHM, owned, nonce, OPTIONS);
      buffer.set(cipher.update(buffer.subarray(at, at + length)), at);
      cipher.final();
      buffer.set(cipher.getAuthTag(), at + length);
    },
    open(buffer, at, length, counterLow, counterHigh) {
      if (length < TAG_BYTES) return false;
      setCounter(counterLow, counterHigh);
      const end = at + length - TAG_BYTES;
      const decipher = createDecipheriv(ALGORITHM, owned, nonce, OPTIONS);
      decipher.setAuthTag(buffer.subarray(end, end + TAG_BYTES));
      const plaintext = decipher.update(buffer.subarray(at, end));
      try {
        decipher.final();
      } catch {
        return false; // final throws on a bad tag
      }
      buffer.set(plaintext, at);
      return true;
    },
    destroy: () => void owned.fill(0),
  };
}
