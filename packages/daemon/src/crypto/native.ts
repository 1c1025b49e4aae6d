import type { Addon } from '@pcloud/native';
import type { Crypto, TransportKey } from '@pcloud/wireguard';
import { WireGuardError } from '@pcloud/wireguard';
import { DaemonError } from '../errors.ts';
import { createNodeCrypto } from './node.ts';

/** What of the addon seals and opens packets one at a time. */
export type NativeAead = Pick<Addon, 'aeadNames' | 'sealOnce' | 'openOnce'>;

const TAG_BYTES = 16;

/**
 * The provider over the addon: packets by its AEAD, handshakes as in `createNodeCrypto`. The data path does
 * not come through here where the addon's plane seals whole batches.
 * @param aead one of `addon.aeadNames()`; by default the quickest to set up, as each packet is set up anew
 * @throws `CRYPTO_UNAVAILABLE` where the addon has no such AEAD
 */
export function createNativeCrypto(addon: NativeAead, aead?: string): Crypto {
  const names = addon.aeadNames();
  const name = aead ?? (names.includes('evp') ? 'evp' : names[0]);
  if (name === undefined || !names.includes(name)) {
    throw new DaemonError('CRYPTO_UNAVAILABLE', `the addon has no AEAD ${name ?? 'at all'} that works here`);
  }
  return { ...createNodeCrypto(), name: 'native', createTransportKey: (key) => createTransportKey(addon, name, key) };
}

function createTransportKey(addon: NativeAead, aead: string, key: Uint8Array): TransportKey {
  if (key.length !== 32) {
    throw new WireGuardError('INVALID_KEY', `transport key: expected 32 bytes, got ${key.length}`);
  }
  const owned = Uint8Array.from(key);
  return {
    seal(buffer, at, length, counterLow, counterHigh) {
      buffer.set(addon.sealOnce(aead, owned, counterLow, counterHigh, buffer.subarray(at, at + length)), at);
    },
    open(buffer, at, length, counterLow, counterHigh) {
      if (length < TAG_BYTES) return false;
      const plaintext = addon.openOnce(aead, owned, counterLow, counterHigh, buffer.subarray(at, at + length));
      if (plaintext === undefined) return false;
      buffer.set(plaintext, at);
      return true;
    },
    destroy: () => void owned.fill(0),
  };
}
