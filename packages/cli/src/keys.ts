import { createNobleCrypto } from '@pcloud/wireguard';
import { CliError } from './exit.ts';

const KEY_BYTES = 32;

/** A new private key, clamped as wg(8) does it (RFC 7748 section 5). @param random fills with unpredictable bytes */
export function generatePrivateKey(random: (out: Uint8Array) => void): Uint8Array {
  const key = generatePresharedKey(random);
  key[0]! &= 248;
  key[31] = (key[31]! & 127) | 64;
  return key;
}

/** A new preshared key. */
export function generatePresharedKey(random: (out: Uint8Array) => void): Uint8Array {
  const key = new Uint8Array(KEY_BYTES);
  random(key);
  return key;
}

/** The public key of a private key. */
export function derivePublicKey(privateKey: Uint8Array): Uint8Array {
  return createNobleCrypto().publicKey(privateKey);
}

/**
 * Reads a key in base64: 44 characters, white space around them.
 * @throws CliError; the text is not in the message, for it may be a key with one letter wrong
 */
export function parseKey(text: string): Uint8Array {
  const trimmed = text.trim();
  const bytes = new Uint8Array(Buffer.from(trimmed, 'base64'));
  if (bytes.length !== KEY_BYTES || formatKey(bytes) !== trimmed) {
    throw new CliError(
      'failed',
      `private key: expected 44 characters of base64, got ${trimmed.length} characters that are not a key`,
    );
  }
  return bytes;
}

export function formatKey(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('base64');
}
