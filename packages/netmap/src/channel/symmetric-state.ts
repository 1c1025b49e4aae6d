/** Noise specification, revision 34, section 5.2: chaining key and transcript hash, over a provider's BLAKE2s. */
import type { Crypto } from '@pcloud/wireguard';
import { utf8 } from '../bytes.ts';

// Longer than a hash, so the state starts from its hash: section 5.2, InitializeSymmetric.
const PROTOCOL_NAME = utf8('Noise_IK_25519_ChaChaPoly_BLAKE2s');
const EMPTY = new Uint8Array(0);
const ONE = Uint8Array.of(1);
const TWO = Uint8Array.of(2);

export interface SymmetricState {
  readonly crypto: Crypto;
  /** `h`: replaced, never written into, so a copy of the state may share it. */
  hash: Uint8Array;
  /** `ck`, owned by the state. */
  chainingKey: Uint8Array;
  /** `k`, owned by the state. IK uses each key once, under nonce 0. */
  key: Uint8Array;
}

/** Section 5.3, Initialize: the protocol's name, the prologue, and the pre-message `<- s`. */
export function startState(crypto: Crypto, prologue: Uint8Array, responder: Uint8Array): SymmetricState {
  const name = crypto.hash(PROTOCOL_NAME);
  const hash = crypto.hash(crypto.hash(name, prologue), responder);
  return { crypto, hash, chainingKey: name, key: new Uint8Array(32) };
}

/** A copy that can be given up without a change to the original. */
export function copyState(state: SymmetricState): SymmetricState {
  return { ...state, chainingKey: state.chainingKey.slice(), key: state.key.slice() };
}

export function mixHash(state: SymmetricState, data: Uint8Array): void {
  state.hash = state.crypto.hash(state.hash, data);
}

/** Mixes in a DH result and zeroes it. False when the DH is refused: its result was zero. */
export function mixKey(state: SymmetricState, shared: Uint8Array | undefined): boolean {
  if (shared === undefined) return false;
  const [chainingKey, key] = hkdf(state.crypto, state.chainingKey, shared);
  shared.fill(0);
  wipeState(state);
  state.chainingKey = chainingKey;
  state.key = key;
  return true;
}

export function sealAndHash(state: SymmetricState, plaintext: Uint8Array): Uint8Array {
  const sealed = state.crypto.seal(state.key, plaintext, state.hash);
  mixHash(state, sealed);
  return sealed;
}

export function openAndHash(state: SymmetricState, sealed: Uint8Array): Uint8Array | undefined {
  const plaintext = state.crypto.open(state.key, sealed, state.hash);
  if (plaintext !== undefined) mixHash(state, sealed);
  return plaintext;
}

/** Section 5.2, Split: the key of the initiator's messages, then of the responder's. */
export function splitState(state: SymmetricState): [Uint8Array, Uint8Array] {
  return hkdf(state.crypto, state.chainingKey, EMPTY);
}

export function wipeState(state: SymmetricState): void {
  state.chainingKey.fill(0);
  state.key.fill(0);
}

function hkdf(crypto: Crypto, chainingKey: Uint8Array, input: Uint8Array): [Uint8Array, Uint8Array] {
  const secret = crypto.hmac(chainingKey, input);
  const first = crypto.hmac(secret, ONE);
  const second = crypto.hmac(secret, first, TWO);
  secret.fill(0);
  return [first, second];
}
