import type { Addon } from '@pcloud/native';
import type { Crypto } from '@pcloud/wireguard';
import { selectCrypto } from './crypto/select.ts';
import type { HandsOptions } from './hands.ts';
import type { Logger } from './log.ts';

/**
 * The provider of cryptography that is asked for, or the fastest one, and a line that says which.
 * @throws DaemonError ADDON_MISSING, CRYPTO_UNAVAILABLE
 */
export function chooseCrypto(options: HandsOptions, log: Logger, addon?: Addon): Crypto {
  const { crypto, tried } = selectCrypto({ wanted: options.crypto, addon });
  for (const attempt of tried) {
    const isAbsent = attempt.name === 'native' && addon === undefined;
    if (!attempt.ok && !isAbsent) {
      log.warn({ crypto: attempt.name, reason: attempt.reason }, 'cryptography does not pass its check');
    }
  }
  log.info({ crypto: crypto.name }, 'cryptography chosen');
  return crypto;
}
