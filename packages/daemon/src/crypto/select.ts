import type { Crypto } from '@pcloud/wireguard';
import { createNobleCrypto } from '@pcloud/wireguard';
import { DaemonError } from '../errors.ts';
import type { NativeAead } from './native.ts';
import { createNativeCrypto } from './native.ts';
import { createNodeCrypto } from './node.ts';
import { checkCrypto } from './self-check.ts';

export type CryptoName = 'noble' | 'node' | 'native';

/** A provider that was looked at, and why it was not taken. */
export type CryptoAttempt =
  | { readonly name: CryptoName; readonly ok: true }
  | { readonly name: CryptoName; readonly ok: false; readonly reason: string };

export interface SelectCryptoOptions {
  /** The only provider to consider. */
  readonly wanted?: CryptoName | undefined;
  /** The addon, where there is one. */
  readonly addon?: NativeAead | undefined;
}

export interface SelectedCrypto {
  readonly crypto: Crypto;
  /** In the order they were tried; the last one is the one in use. */
  readonly tried: readonly CryptoAttempt[];
}

/**
 * Fastest first, by a fixed order and not by measurement: wherever all three work this is their order
 * (`bench/crypto.ts`), a measurement at the start is mostly of a cold compiler, and the same machine should not
 * change its provider from one start to the next.
 */
const ORDER: readonly CryptoName[] = ['native', 'node', 'noble'];

/**
 * The first provider that passes its self-check. Providers behind it are not looked at.
 * @throws `ADDON_MISSING` when `native` is wanted and there is no addon; `CRYPTO_UNAVAILABLE` when the wanted
 * provider, or every one, fails its check
 */
export function selectCrypto({ wanted, addon }: SelectCryptoOptions = {}): SelectedCrypto {
  if (wanted === 'native' && addon === undefined) {
    throw new DaemonError('ADDON_MISSING', '--crypto native: there is no addon');
  }
  const tried: CryptoAttempt[] = [];
  for (const name of wanted === undefined ? ORDER : [wanted]) {
    const attempt = tryProvider(name, addon);
    if ('crypto' in attempt) return { crypto: attempt.crypto, tried: [...tried, { name, ok: true }] };
    tried.push({ name, ok: false, reason: attempt.reason });
  }
  const reasons = tried.map((attempt) => `${attempt.name}: ${attempt.ok ? 'works' : attempt.reason}`).join('; ');
  throw new DaemonError('CRYPTO_UNAVAILABLE', `no cryptography that passes its check: ${reasons}`);
}

function tryProvider(name: CryptoName, addon: NativeAead | undefined): { crypto: Crypto } | { reason: string } {
  try {
    const crypto = createProvider(name, addon);
    if (crypto === undefined) return { reason: 'no addon' };
    const reason = checkCrypto(crypto);
    return reason === undefined ? { crypto } : { reason };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

function createProvider(name: CryptoName, addon: NativeAead | undefined): Crypto | undefined {
  if (name === 'noble') return createNobleCrypto();
  if (name === 'node') return createNodeCrypto();
  return addon && createNativeCrypto(addon);
}
