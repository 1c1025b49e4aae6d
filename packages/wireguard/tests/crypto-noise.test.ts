import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Crypto } from '../src/crypto.ts';
import { createNobleCrypto } from '../src/crypto-noble.ts';
import { INITIATION, RESPONSE } from '../src/messages.ts';
import type { RemoteKeys, StaticKeys } from '../src/noise.ts';
import {
  computeStaticSecret,
  openInitiation,
  openResponse,
  openTimestamp,
  writeInitiation,
  writeResponse,
} from '../src/noise.ts';
import { bytes, hex, sequence } from './crypto-vectors.ts';

/** Any Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s handshake: private keys, both ephemerals, prologue and payloads. */
interface NoiseInput {
  prologue: Uint8Array;
  initiatorStatic: Uint8Array;
  responderStatic: Uint8Array;
  initiatorEphemeral: Uint8Array;
  responderEphemeral: Uint8Array;
  psk: Uint8Array;
  payloads: readonly [Uint8Array, Uint8Array];
}

interface NoiseVector extends Record<Exclude<keyof NoiseInput, 'payloads'>, string> {
  messages: { payload: string; ciphertext: string }[];
}

const VECTORS = JSON.parse(readFileSync(new URL('./vectors/noise-ikpsk2.json', import.meta.url), 'utf8')) as {
  protocol: string;
  tests: NoiseVector[];
};
const EMPTY = new Uint8Array();
const crypto = createNobleCrypto();

/** Both handshake messages and the two transport keys, by the Noise specification, sections 5 and 9. */
function noise(crypto: Crypto, input: NoiseInput): { messages: [Uint8Array, Uint8Array]; keys: Uint8Array[] } {
  let h: Uint8Array = crypto.hash(bytes(Buffer.from(VECTORS.protocol).toString('hex')));
  let ck = h;
  let k: Uint8Array = EMPTY;

  const hkdf = (material: Uint8Array): [Uint8Array, Uint8Array, Uint8Array] => {
    const secret = crypto.hmac(ck, material);
    const first = crypto.hmac(secret, Uint8Array.of(1));
    const second = crypto.hmac(secret, first, Uint8Array.of(2));
    return [first, second, crypto.hmac(secret, second, Uint8Array.of(3))];
  };
  const mixHash = (data: Uint8Array) => {
    h = crypto.hash(h, data);
    return data;
  };
  const mixKey = (material: Uint8Array) => {
    [ck, k] = hkdf(material);
  };
  const encryptAndHash = (plaintext: Uint8Array) => mixHash(crypto.seal(k, plaintext, h));
  const dh = (privateKey: Uint8Array, peer: Uint8Array) => crypto.sharedSecret(privateKey, crypto.publicKey(peer))!;
  const sendEphemeral = (privateKey: Uint8Array) => {
    const e = mixHash(crypto.publicKey(privateKey));
    mixKey(e);
    return e;
  };

  const { initiatorStatic, responderStatic, initiatorEphemeral, responderEphemeral, psk, payloads } = input;
  mixHash(input.prologue);
  mixHash(crypto.publicKey(responderStatic));

  const first = [sendEphemeral(initiatorEphemeral)]; // -> e, es, s, ss
  mixKey(dh(initiatorEphemeral, responderStatic));
  first.push(encryptAndHash(crypto.publicKey(initiatorStatic)));
  mixKey(dh(initiatorStatic, responderStatic));
  first.push(encryptAndHash(payloads[0]));

  const second = [sendEphemeral(responderEphemeral)]; // <- e, ee, se, psk
  mixKey(dh(responderEphemeral, initiatorEphemeral));
  mixKey(dh(responderEphemeral, initiatorStatic));
  const [chain, temporary, key] = hkdf(psk);
  ck = chain;
  mixHash(temporary);
  k = key;
  second.push(encryptAndHash(payloads[1]));

  return { messages: [Buffer.concat(first), Buffer.concat(second)], keys: hkdf(EMPTY).slice(0, 2) };
}

test('the primitives compose to the IKpsk2 handshakes and sessions of another implementation', () => {
  assert.ok(VECTORS.tests.length > 0);
  for (const vector of VECTORS.tests) {
    const { messages, ...keys } = vector;
    const input = Object.fromEntries(Object.entries(keys).map(([name, value]) => [name, bytes(value)]));
    const payloads = messages.slice(0, 2).map(({ payload }) => bytes(payload));
    const made = noise(crypto, { ...input, payloads } as unknown as NoiseInput);
    assert.is(hex(made.messages[0]), messages[0]!.ciphertext);
    assert.is(hex(made.messages[1]), messages[1]!.ciphertext);
    for (const [i, { payload, ciphertext }] of messages.slice(2).entries()) {
      assert.is(hex(crypto.seal(made.keys[i]!, bytes(payload), EMPTY)), ciphertext);
    }
  }
});

test('an initiation and a response are Noise messages with WireGuard’s prologue, timestamp and empty payload', () => {
  const secret = (seed: number): Uint8Array => sequence(32).map((byte) => byte * 5 + seed);
  const [ours, theirs] = [secret(1), secret(2)].map(
    (privateKey): StaticKeys => ({ privateKey, publicKey: crypto.publicKey(privateKey) }),
  ) as [StaticKeys, StaticKeys];
  const presharedKey = secret(3);
  const remote = (self: StaticKeys, { publicKey }: StaticKeys): RemoteKeys => ({
    publicKey,
    staticSecret: computeStaticSecret(crypto, self.privateKey, publicKey),
    presharedKey,
  });
  const stamp = sequence(12);
  const expected = noise(crypto, {
    prologue: bytes(Buffer.from('WireGuard v1 zx2c4 Jason@zx2c4.com').toString('hex')),
    initiatorStatic: ours.privateKey,
    responderStatic: theirs.privateKey,
    initiatorEphemeral: secret(4),
    responderEphemeral: secret(5),
    psk: presharedKey,
    payloads: [stamp, EMPTY],
  });

  const initiation = new Uint8Array(INITIATION.BYTES);
  const sent = writeInitiation(crypto, ours, remote(ours, theirs), secret(4), stamp, 7, initiation)!;
  assert.is(hex(initiation.subarray(INITIATION.EPHEMERAL, INITIATION.TIMESTAMP_END)), hex(expected.messages[0]));

  const opened = openInitiation(crypto, theirs, initiation)!;
  assert.is(hex(opened.initiator), hex(ours.publicKey));
  assert.is(hex(openTimestamp(crypto, opened, remote(theirs, ours), initiation)), hex(stamp));

  const response = new Uint8Array(RESPONSE.BYTES);
  const responder = writeResponse(crypto, opened, remote(theirs, ours), secret(5), 9, response)!;
  assert.is(hex(response.subarray(RESPONSE.EPHEMERAL, RESPONSE.EMPTY + 16)), hex(expected.messages[1]));

  const initiator = openResponse(crypto, ours, sent, remote(ours, theirs), response)!;
  assert.equal([initiator.send, initiator.receive].map(hex), expected.keys.map(hex));
  assert.equal([responder.receive, responder.send].map(hex), expected.keys.map(hex));
});

test.run();
