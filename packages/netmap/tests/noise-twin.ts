/**
 * Noise_IK_25519_ChaChaPoly_BLAKE2s, written down a second time straight from the Noise specification,
 * revision 34, sections 5.1 to 5.3, with payloads. Slow and plain: what the handshake is held to.
 */
import type { Crypto } from '@pcloud/wireguard';

export interface NoiseInput {
  readonly prologue: Uint8Array;
  readonly initiatorStatic: Uint8Array;
  readonly responderStatic: Uint8Array;
  readonly initiatorEphemeral: Uint8Array;
  readonly responderEphemeral: Uint8Array;
  readonly payloads: readonly [Uint8Array, Uint8Array];
}

export interface NoiseOutput {
  readonly messages: readonly [Uint8Array, Uint8Array];
  /** Of the initiator's messages, then of the responder's. */
  readonly keys: readonly [Uint8Array, Uint8Array];
  readonly hash: Uint8Array;
}

export function runNoise(crypto: Crypto, input: NoiseInput): NoiseOutput {
  let h = crypto.hash(Buffer.from('Noise_IK_25519_ChaChaPoly_BLAKE2s'));
  let ck = h;
  let k = new Uint8Array(0) as Uint8Array;

  const hkdf = (material: Uint8Array): [Uint8Array, Uint8Array] => {
    const temporary = crypto.hmac(ck, material);
    const first = crypto.hmac(temporary, Uint8Array.of(1));
    return [first, crypto.hmac(temporary, first, Uint8Array.of(2))];
  };
  const mixHash = (data: Uint8Array): Uint8Array => {
    h = crypto.hash(h, data);
    return data;
  };
  const mixKey = (privateKey: Uint8Array, peerPrivate: Uint8Array): void => {
    [ck, k] = hkdf(crypto.sharedSecret(privateKey, crypto.publicKey(peerPrivate))!);
  };
  const encryptAndHash = (plaintext: Uint8Array): Uint8Array => mixHash(crypto.seal(k, plaintext, h));

  mixHash(input.prologue);
  mixHash(crypto.publicKey(input.responderStatic)); // <- s
  const first = [mixHash(crypto.publicKey(input.initiatorEphemeral))]; // -> e, es, s, ss
  mixKey(input.initiatorEphemeral, input.responderStatic);
  first.push(encryptAndHash(crypto.publicKey(input.initiatorStatic)));
  mixKey(input.initiatorStatic, input.responderStatic);
  first.push(encryptAndHash(input.payloads[0]));
  const second = [mixHash(crypto.publicKey(input.responderEphemeral))]; // <- e, ee, se
  mixKey(input.initiatorEphemeral, input.responderEphemeral);
  mixKey(input.initiatorStatic, input.responderEphemeral);
  second.push(encryptAndHash(input.payloads[1]));
  return { messages: [Buffer.concat(first), Buffer.concat(second)], keys: hkdf(new Uint8Array(0)), hash: h };
}
