import type { Crypto, TransportKey } from '@pcloud/wireguard';
import { createNobleCrypto } from '@pcloud/wireguard';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createTransportKey } from '../src/crypto/aead.ts';
import type { NativeAead } from '../src/crypto/native.ts';
import { selectCrypto } from '../src/crypto/select.ts';
import { checkCrypto } from '../src/crypto/self-check.ts';
import { DaemonError } from '../src/errors.ts';

const noble = createNobleCrypto();
const zeros = (length: number): Uint8Array => new Uint8Array(length);

/** An addon whose AEAD is right, or seals with the upper half of the counter lost. */
function fakeAddon({ truncatesCounter = false, names = ['evp'] } = {}): NativeAead {
  const high = (value: number): number => (truncatesCounter ? 0 : value);
  return {
    aeadNames: () => names,
    sealOnce(_name, key, counterLow, counterHigh, plaintext) {
      const packet = new Uint8Array(plaintext.length + 16);
      packet.set(plaintext);
      createTransportKey(key).seal(packet, 0, plaintext.length, counterLow, high(counterHigh));
      return packet;
    },
    openOnce(_name, key, counterLow, counterHigh, ciphertext) {
      const packet = ciphertext.slice();
      const good = createTransportKey(key).open(packet, 0, packet.length, counterLow, high(counterHigh));
      return good ? packet.subarray(0, -16) : undefined;
    },
  };
}

function withTransport(change: (key: TransportKey) => Partial<TransportKey>): Crypto {
  return {
    ...noble,
    createTransportKey(bytes) {
      const key = noble.createTransportKey(bytes);
      return { ...key, ...change(key) };
    },
  };
}

/** Each of these is wrong in one way that happened somewhere. */
const BROKEN: Record<string, { operation: string; crypto: Crypto }> = {
  'gives another public key': { operation: 'public key', crypto: { ...noble, publicKey: () => zeros(32) } },
  'gives another secret': { operation: 'shared secret', crypto: { ...noble, sharedSecret: () => zeros(32) } },
  'accepts a low-order point': {
    operation: 'low-order point',
    crypto: { ...noble, sharedSecret: (key, point) => noble.sharedSecret(key, point) ?? zeros(32) },
  },
  'throws on a low-order point': {
    operation: 'low-order point',
    crypto: {
      ...noble,
      sharedSecret(key, point) {
        const shared = noble.sharedSecret(key, point);
        if (shared === undefined) throw new Error('derivation failed');
        return shared;
      },
    },
  },
  'hashes only the first part': { operation: 'hash', crypto: { ...noble, hash: (first) => noble.hash(first!) } },
  'truncates instead of parameterising the mac': {
    operation: 'mac',
    crypto: { ...noble, mac: (key, ...parts) => noble.hmac(key, ...parts).subarray(0, 16) },
  },
  'pads a short mac key': {
    operation: 'mac under a short key',
    crypto: {
      ...noble,
      mac: (key, ...parts) =>
        noble.mac(
          Uint8Array.from({ length: 32 }, (_, i) => key[i] ?? 0),
          ...parts,
        ),
    },
  },
  'takes keyed BLAKE2s for HMAC': {
    operation: 'hmac',
    crypto: { ...noble, hmac: (key, ...parts) => noble.mac(key, ...parts) },
  },
  'ignores associated data': {
    operation: 'handshake payload',
    crypto: { ...noble, seal: (key, plaintext) => noble.seal(key, plaintext, zeros(0)) },
  },
  'opens a handshake with a bad tag': {
    operation: 'handshake payload',
    crypto: { ...noble, open: (key, sealed, aad) => noble.open(key, sealed, aad) ?? zeros(1) },
  },
  'opens a cookie with a bad tag': {
    operation: 'cookie',
    crypto: { ...noble, openX: (key, nonce, sealed, aad) => noble.openX(key, nonce, sealed, aad) ?? zeros(1) },
  },
  'opens a packet with a bad tag': {
    operation: 'transport packet',
    crypto: withTransport(() => ({ open: () => true })),
  },
  'loses the upper half of the counter': {
    operation: 'transport packet',
    crypto: withTransport((key) => ({
      seal: (buffer, at, length, low) => key.seal(buffer, at, length, low, 0),
      open: (buffer, at, length, low) => key.open(buffer, at, length, low, 0),
    })),
  },
  'counts in a double': {
    operation: 'transport packet',
    crypto: withTransport((key) => {
      const rounded = (low: number, high: number): [number, number] => {
        const counter = BigInt(high * 2 ** 32 + low);
        return [Number(counter & 0xffffffffn), Number((counter >> 32n) & 0xffffffffn)];
      };
      return {
        seal: (buffer, at, length, low, high) => key.seal(buffer, at, length, ...rounded(low, high)),
        open: (buffer, at, length, low, high) => key.open(buffer, at, length, ...rounded(low, high)),
      };
    }),
  },
};

for (const [fault, { operation, crypto }] of Object.entries(BROKEN)) {
  test(`the self-check fails a provider that ${fault}`, () => {
    assert.is(checkCrypto(crypto)?.split(':')[0], operation);
  });
}

test('without an addon Node’s cryptography is chosen, and the log can say why', () => {
  const { crypto, tried } = selectCrypto();
  assert.is(crypto.name, 'node');
  assert.equal(tried, [
    { name: 'native', ok: false, reason: 'no addon' },
    { name: 'node', ok: true },
  ]);
});

test('a working addon is preferred, and nothing behind it is tried', () => {
  const { crypto, tried } = selectCrypto({ addon: fakeAddon() });
  assert.is(crypto.name, 'native');
  assert.equal(tried, [{ name: 'native', ok: true }]);
});

test('an addon that fails its check, or has no AEAD, is passed over with the reason', () => {
  const wrong = selectCrypto({ addon: fakeAddon({ truncatesCounter: true }) });
  assert.is(wrong.crypto.name, 'node');
  assert.equal(wrong.tried[0], { name: 'native', ok: false, reason: 'transport packet: wrong answer' });
  const empty = selectCrypto({ addon: fakeAddon({ names: [] }) });
  assert.is(empty.crypto.name, 'node');
  assert.not(empty.tried[0]!.ok);
});

test('a wanted provider is the only one tried', () => {
  for (const wanted of ['noble', 'node', 'native'] as const) {
    const { crypto, tried } = selectCrypto({ wanted, addon: fakeAddon() });
    assert.is(crypto.name, wanted);
    assert.equal(tried, [{ name: wanted, ok: true }]);
  }
});

test('a wanted provider that is not to be had is a coded error', () => {
  const coded = (code: string) => (error: unknown) => error instanceof DaemonError && error.code === code;
  assert.throws(() => selectCrypto({ wanted: 'native' }), coded('ADDON_MISSING'));
  const addon = fakeAddon({ truncatesCounter: true });
  assert.throws(() => selectCrypto({ wanted: 'native', addon }), coded('CRYPTO_UNAVAILABLE'));
});

test.run();
