import { loadNative } from '@pcloud/native';
import { createNobleCrypto } from '@pcloud/wireguard';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cryptoSuite } from '../../wireguard/tests/crypto-suite.ts';
import { createNativeCrypto } from '../src/crypto/native.ts';
import { selectCrypto } from '../src/crypto/select.ts';
import { DaemonError } from '../src/errors.ts';

const native = loadNative();

if ('reason' in native) {
  // The addon is for Linux: elsewhere its absence is what is expected, here it is a build that is missing.
  test('the addon is there on Linux', () => assert.is.not(process.platform, 'linux', native.reason));
} else {
  const { addon } = native;
  const reference = createNobleCrypto();
  for (const aead of addon.aeadNames()) {
    cryptoSuite('native', createNativeCrypto(addon, aead), { reference });
  }

  test('a packet is sealed by the AEAD that costs least to set up', () => {
    const asked: string[] = [];
    const spied = {
      ...addon,
      sealOnce(...call: Parameters<typeof addon.sealOnce>): Uint8Array {
        asked.push(call[0]);
        return addon.sealOnce(...call);
      },
    };
    const key = createNativeCrypto(spied).createTransportKey(new Uint8Array(32));
    key.seal(new Uint8Array(16), 0, 0, 0, 0);
    assert.equal(asked, [addon.aeadNames().includes('evp') ? 'evp' : addon.aeadNames()[0]]);
  });

  test('it passes its self-check, and is the one that is chosen', () => {
    assert.equal(selectCrypto({ addon }).tried, [{ name: 'native', ok: true }]);
  });

  test('an AEAD that the addon does not have is a coded error', () => {
    const unavailable = (error: unknown) => error instanceof DaemonError && error.code === 'CRYPTO_UNAVAILABLE';
    assert.throws(() => createNativeCrypto(addon, 'rot13'), unavailable);
  });
}

test.run();
