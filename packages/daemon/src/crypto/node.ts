import { createHash, createHmac } from 'node:crypto';
import type { Crypto } from '@pcloud/wireguard';
import { createNobleCrypto } from '@pcloud/wireguard';
import { createTransportKey, open, seal } from './aead.ts';
import { createX25519, view } from './x25519.ts';

const HASH = 'blake2s256';
const ZERO_NONCE = new Uint8Array(12);

/**
 * The provider over node:crypto, with noble for what Node does not offer: keyed BLAKE2s and XChaCha20-Poly1305.
 * Parts of it may be missing from a Node built against another OpenSSL: `selectCrypto` checks before use.
 */
export function createNodeCrypto(): Crypto {
  const { mac, sealX, openX } = createNobleCrypto();
  const { publicKey, sharedSecret } = createX25519();
  return {
    name: 'node',
    publicKey,
    sharedSecret,
    hash(...parts) {
      const hash = createHash(HASH);
      for (const part of parts) hash.update(part);
      return view(hash.digest());
    },
    mac,
    hmac(key, ...parts) {
      const hmac = createHmac(HASH, key);
      for (const part of parts) hmac.update(part);
      return view(hmac.digest());
    },
    seal: (key, plaintext, associatedData) => seal(key, ZERO_NONCE, plaintext, associatedData),
    open: (key, ciphertext, associatedData) => open(key, ZERO_NONCE, ciphertext, associatedData),
    sealX,
    openX,
    createTransportKey,
  };
}
