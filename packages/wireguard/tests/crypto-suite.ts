import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Crypto } from '../src/crypto.ts';
import type { AeadVector, Blake2sVector, WireGuardAeadVector, X25519Vector } from './crypto-vectors.ts';
import { bytes, halves, hex, loadVectors, sequence } from './crypto-vectors.ts';

/** The ChaCha20-Poly1305 below a provider, under any nonce, which `Crypto` does not let through. */
export interface RawAead {
  /** Ciphertext and tag. */
  seal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, associatedData: Uint8Array): Uint8Array;
  open(key: Uint8Array, nonce: Uint8Array, ciphertext: Uint8Array, associatedData: Uint8Array): Uint8Array | undefined;
}

export interface CryptoSuiteOptions {
  /** Also held to the ChaCha20-Poly1305 vectors that need a nonce of their own. */
  aead?: RawAead;
  /** Also held to this provider on random input. */
  reference?: Crypto;
}

const EMPTY = new Uint8Array();
const KEY = sequence(32);

/** Registers and runs the tests that every provider of `Crypto` passes. */
export function cryptoSuite(name: string, crypto: Crypto, options: CryptoSuiteOptions = {}): void {
  const test = suite(`crypto ${name}`);

  test('the provider says its name', () => {
    assert.is(crypto.name, name);
  });

  test('X25519 gives the shared secrets of Wycheproof, and none for a low-order point', () => {
    for (const vector of loadVectors<X25519Vector>('x25519')) {
      const expected = /^0+$/.test(vector.shared) ? undefined : vector.shared;
      const shared = crypto.sharedSecret(bytes(vector.private), bytes(vector.public));
      assert.is(hex(shared), expected, `${vector.id} ${vector.flags}`);
    }
  });

  test('X25519 gives the public keys and the secret of RFC 7748 6.1', () => {
    const alice = bytes('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a');
    const bob = bytes('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb');
    assert.is(hex(crypto.publicKey(alice)), '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a');
    assert.is(hex(crypto.publicKey(bob)), 'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f');
    const shared = '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742';
    assert.is(hex(crypto.sharedSecret(alice, crypto.publicKey(bob))), shared);
    assert.is(hex(crypto.sharedSecret(bob, crypto.publicKey(alice))), shared);
  });

  test('X25519 masks the top bit of a public key and clamps a private one', () => {
    const privateKey = KEY.slice();
    const publicKey = crypto.publicKey(sequence(32).reverse());
    const expected = crypto.sharedSecret(privateKey, publicKey);
    const clamped = privateKey.slice();
    clamped[0]! &= 248;
    clamped[31] = (clamped[31]! & 127) | 64;
    publicKey[31]! |= 128;
    assert.is(hex(crypto.sharedSecret(clamped, publicKey)), hex(expected));
    assert.is(hex(crypto.publicKey(clamped)), hex(crypto.publicKey(privateKey)));
  });

  test('X25519 notices that a private key was overwritten in place', () => {
    const privateKey = KEY.slice();
    const point = crypto.publicKey(sequence(32).reverse());
    const first = crypto.sharedSecret(privateKey, point);
    privateKey[5]! ^= 1;
    const second = crypto.sharedSecret(privateKey, point);
    assert.is.not(hex(second), hex(first));
    assert.is(hex(second), hex(crypto.sharedSecret(privateKey.slice(), point)));
    assert.is.not(hex(crypto.publicKey(privateKey)), hex(crypto.publicKey(KEY)));
  });

  test('BLAKE2s, keyed BLAKE2s and HMAC give the known answers, whole and in parts', () => {
    for (const vector of loadVectors<Blake2sVector>('blake2s')) {
      if (vector.kind === 'keyed-256') continue; // no provider has that length: crypto-noble.test.ts holds noble to them
      const key = bytes(vector.key);
      const input = bytes(vector.input);
      const { kind } = vector;
      const digest = (...parts: Uint8Array[]) =>
        kind === 'hash' ? crypto.hash(...parts) : crypto[kind](key, ...parts);
      const label = `${kind}, ${key.length} of key, ${input.length} of input`;
      const cut = input.length >> 1;
      assert.is(hex(digest(input)), vector.output, label);
      assert.is(hex(digest(input.subarray(0, cut), EMPTY, input.subarray(cut))), vector.output, `${label}, in parts`);
    }
    assert.is(hex(crypto.hash()), hex(crypto.hash(EMPTY)));
  });

  test('XChaCha20-Poly1305 seals and opens the vectors of Wycheproof, and opens no modified one', () => {
    for (const vector of loadVectors<AeadVector>('xchacha20-poly1305')) {
      const [key, nonce, aad, message] = [vector.key, vector.nonce, vector.aad, vector.msg].map(bytes) as Four;
      const sealed = vector.ct + vector.tag;
      const opened = crypto.openX(key, nonce, bytes(sealed), aad);
      assert.is(hex(opened), vector.valid ? vector.msg : undefined, `${vector.id} ${vector.flag}`);
      if (vector.valid) assert.is(hex(crypto.sealX(key, nonce, message, aad)), sealed, `${vector.id} ${vector.flag}`);
    }
  });

  const { aead } = options;
  if (aead) {
    test('ChaCha20-Poly1305 seals and opens the vectors of Wycheproof and RFC 8439, and opens no modified one', () => {
      for (const vector of loadVectors<AeadVector>('chacha20-poly1305')) {
        const [key, nonce, aad, message] = [vector.key, vector.nonce, vector.aad, vector.msg].map(bytes) as Four;
        const sealed = vector.ct + vector.tag;
        const opened = aead.open(key, nonce, bytes(sealed), aad);
        assert.is(hex(opened), vector.valid ? vector.msg : undefined, `${vector.id} ${vector.flag}`);
        if (vector.valid) assert.is(hex(aead.seal(key, nonce, message, aad)), sealed, `${vector.id} ${vector.flag}`);
      }
    });
  }

  test('handshake payloads are sealed under counter 0 as another implementation does', () => {
    for (const { kind, key, aad, msg, sealed } of loadVectors<WireGuardAeadVector>('wireguard-aead')) {
      if (kind !== 'handshake') continue;
      assert.is(hex(crypto.seal(bytes(key), bytes(msg), bytes(aad!))), sealed);
      assert.is(hex(crypto.open(bytes(key), bytes(sealed), bytes(aad!))), msg);
    }
  });

  test('a handshake or cookie payload does not open with a bit changed, cut short, or under other associated data', () => {
    const aad = sequence(32);
    const nonce = sequence(24);
    const modes = [
      [crypto.seal(KEY, sequence(12), aad), (sealed: Uint8Array, ad: Uint8Array) => crypto.open(KEY, sealed, ad)],
      [
        crypto.sealX(KEY, nonce, sequence(16), aad),
        (sealed: Uint8Array, ad: Uint8Array) => crypto.openX(KEY, nonce, sealed, ad),
      ],
    ] as const;
    for (const [sealed, open] of modes) {
      assert.ok(open(sealed, aad));
      assert.is(open(sealed, aad.subarray(1)), undefined);
      for (let length = 0; length < sealed.length; length++) {
        assert.is(open(sealed.subarray(0, length), aad), undefined, `cut to ${length}`);
      }
      for (let bit = 0; bit < sealed.length * 8; bit++) {
        assert.is(open(flipped(sealed, bit), aad), undefined, `bit ${bit}`);
      }
    }
  });

  test('a transport key seals and opens in place under every counter, touching nothing around', () => {
    for (const { kind, key, counter, msg, sealed } of loadVectors<WireGuardAeadVector>('wireguard-aead')) {
      if (kind !== 'transport') continue;
      const transport = crypto.createTransportKey(bytes(key));
      const [low, high] = halves(BigInt(counter!));
      const length = msg.length / 2;
      for (const at of [0, 1, 16]) {
        const buffer = new Uint8Array(at + length + 16 + 8).fill(0xa5);
        buffer.set(bytes(msg), at);
        transport.seal(buffer, at, length, low, high);
        assert.is(hex(buffer), 'a5'.repeat(at) + sealed + 'a5'.repeat(8), `counter ${counter}, ${length} bytes`);
        assert.ok(transport.open(buffer, at, length + 16, low, high), `counter ${counter}, ${length} bytes`);
        assert.is(hex(buffer.subarray(at, at + length)), msg);
        assert.is(hex(buffer.subarray(0, at)), 'a5'.repeat(at));
        assert.is(hex(buffer.subarray(at + length + 16)), 'a5'.repeat(8));
      }
      transport.destroy();
    }
  });

  test('a transport packet does not open under another counter, with a bit changed, or shorter than a tag', () => {
    const transport = crypto.createTransportKey(KEY);
    const sealed = new Uint8Array(32 + 16);
    transport.seal(sealed, 0, 32, 7, 9);
    const opens = (packet: Uint8Array, low = 7, high = 9) =>
      transport.open(packet.slice(), 0, packet.length, low, high);
    assert.ok(opens(sealed));
    assert.not(opens(sealed, 8));
    assert.not(opens(sealed, 7, 8));
    assert.not(opens(sealed, 7, 0x80000009));
    for (let length = 0; length < sealed.length; length++) assert.not(opens(sealed.subarray(0, length)), `${length}`);
    for (let bit = 0; bit < sealed.length * 8; bit++) assert.not(opens(flipped(sealed, bit)), `bit ${bit}`);
    assert.ok(opens(sealed), 'a packet that failed does not spoil the key');
  });

  test('a transport key is a copy of its bytes, and of no use once destroyed', () => {
    const key = KEY.slice();
    const transport = crypto.createTransportKey(key);
    key.fill(0);
    const sealed = new Uint8Array(16);
    transport.seal(sealed, 0, 0, 1, 0);
    const other = crypto.createTransportKey(KEY);
    assert.ok(other.open(sealed.slice(), 0, 16, 1, 0));
    transport.destroy();
    assert.not(opensOrThrows(() => transport.open(sealed.slice(), 0, 16, 1, 0)));
    other.destroy();
  });

  test('no operation writes into its inputs', () => {
    const [privateKey, publicKey, aad, message, nonce] = [
      KEY.slice(),
      crypto.publicKey(KEY),
      sequence(9),
      sequence(40),
      sequence(24),
    ];
    const inputs = [privateKey, publicKey, aad, message, nonce];
    const before = inputs.map(hex);
    crypto.publicKey(privateKey);
    crypto.sharedSecret(privateKey, publicKey);
    crypto.hash(message);
    crypto.mac(privateKey, message);
    crypto.hmac(privateKey, message);
    crypto.seal(privateKey, message, aad);
    crypto.open(privateKey, message, aad);
    crypto.sealX(privateKey, nonce, message, aad);
    crypto.openX(privateKey, nonce, message, aad);
    crypto.createTransportKey(privateKey).destroy();
    assert.equal(inputs.map(hex), before);
  });

  const { reference } = options;
  if (reference) {
    test(`every operation agrees with ${reference.name} on random input`, () => {
      fc.assert(
        fc.property(key32, key32, data, data, counter, (a, b, message, aad, count) => {
          assert.is(hex(crypto.publicKey(a)), hex(reference.publicKey(a)));
          assert.is(hex(crypto.sharedSecret(a, b)), hex(reference.sharedSecret(a, b)));
          assert.is(hex(crypto.hash(message, aad)), hex(reference.hash(message, aad)));
          assert.is(hex(crypto.mac(a, message, aad)), hex(reference.mac(a, message, aad)));
          assert.is(hex(crypto.hmac(aad, message)), hex(reference.hmac(aad, message)));
          assert.is(hex(crypto.open(a, reference.seal(a, message, aad), aad)), hex(message));
          assert.is(
            hex(reference.openX(a, b.subarray(8), crypto.sealX(a, b.subarray(8), message, aad), aad)),
            hex(message),
          );
          const [low, high] = halves(count);
          const packet = new Uint8Array(message.length + 16);
          packet.set(message);
          crypto.createTransportKey(a).seal(packet, 0, message.length, low, high);
          assert.ok(reference.createTransportKey(a).open(packet, 0, packet.length, low, high));
          assert.is(hex(packet.subarray(0, message.length)), hex(message));
        }),
        { seed: 7693, numRuns: 60 },
      );
    });
  }

  test.run();
}

type Four = [Uint8Array, Uint8Array, Uint8Array, Uint8Array];

const key32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const data = fc.uint8Array({ maxLength: 1500, size: 'max' });
const counter = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

function flipped(packet: Uint8Array, bit: number): Uint8Array {
  const copy = packet.slice();
  copy[bit >> 3]! ^= 1 << (bit & 7);
  return copy;
}

function opensOrThrows(open: () => boolean): boolean {
  try {
    return open();
  } catch {
    return false; // a destroyed key is the caller's mistake, and may be told so
  }
}
