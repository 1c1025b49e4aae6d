/**
 * Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s as WireGuard uses it: whitepaper 5.4.2 and 5.4.3. Each function
 * takes what it needs and returns a new state, or `undefined` when something does not verify; nothing is
 * changed before everything does.
 */
import { ascii, isZero } from './bytes.ts';
import { KEY_BYTES, STAMP_BYTES, TAG_BYTES } from './constants.ts';
import type { Crypto } from './crypto.ts';
import { INITIATION, MESSAGE_TYPE, RESPONSE, readWord, writeWord } from './messages.ts';

const CONSTRUCTION = ascii('Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s');
const IDENTIFIER = ascii('WireGuard v1 zx2c4 Jason@zx2c4.com');
const EMPTY = new Uint8Array(0);
const ONE = Uint8Array.of(1);
const TWO = Uint8Array.of(2);
const THREE = Uint8Array.of(3);

/** Our long-lived keys, and the precomputed start of every transcript that is addressed to us. */
export interface StaticKeys {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** The other side as the handshake needs it. */
export interface RemoteKeys {
  readonly publicKey: Uint8Array;
  /** DH of the two static keys; undefined when it is zero and no handshake is possible. */
  readonly staticSecret: Uint8Array | undefined;
  /** 32 bytes, zeros for none. */
  readonly presharedKey: Uint8Array;
}

/** Transcript hash and chaining key, `H` and `C` of the paper. */
interface Transcript {
  hash: Uint8Array;
  chainingKey: Uint8Array;
}

/** An initiation of ours that waits for its response. */
export interface SentInitiation extends Transcript {
  readonly ephemeralPrivate: Uint8Array;
}

/** An initiation that was opened as far as the sender's identity. */
export interface OpenedInitiation extends Transcript {
  readonly senderIndex: number;
  readonly ephemeral: Uint8Array;
  readonly initiator: Uint8Array;
}

/** The two keys of a session. */
export interface TransportKeys {
  readonly send: Uint8Array;
  readonly receive: Uint8Array;
}

/** Clamps a private key in place. RFC 7748 section 5. */
export function clampPrivateKey(key: Uint8Array): void {
  key[0] = key[0]! & 248;
  key[31] = (key[31]! & 127) | 64;
}

/** Zeroes a transcript's secrets. */
export function wipeTranscript(state: Transcript & { ephemeralPrivate?: Uint8Array }): void {
  state.hash.fill(0);
  state.chainingKey.fill(0);
  state.ephemeralPrivate?.fill(0);
}

/**
 * Writes an initiation up to its MACs into `out` (`INITIATION.BYTES`).
 * @param ephemeralPrivate 32 random bytes, clamped; owned by the returned state from here on.
 * @param stamp TAI64N, 12 bytes.
 */
export function writeInitiation(
  crypto: Crypto,
  ours: StaticKeys,
  theirs: RemoteKeys,
  ephemeralPrivate: Uint8Array,
  stamp: Uint8Array,
  senderIndex: number,
  out: Uint8Array,
): SentInitiation | undefined {
  if (theirs.staticSecret === undefined) return undefined;
  const ephemeralShared = crypto.sharedSecret(ephemeralPrivate, theirs.publicKey);
  if (ephemeralShared === undefined) {
    ephemeralPrivate.fill(0);
    return undefined;
  }

  const state = startTranscript(crypto, theirs.publicKey);
  writeWord(MESSAGE_TYPE.INITIATION, out, 0);
  writeWord(senderIndex, out, INITIATION.SENDER);

  const ephemeral = crypto.publicKey(ephemeralPrivate);
  out.set(ephemeral, INITIATION.EPHEMERAL);
  mixEphemeral(crypto, state, ephemeral);

  let key = mixKey(crypto, state, ephemeralShared);
  const sealedStatic = crypto.seal(key, ours.publicKey, state.hash);
  key.fill(0);
  out.set(sealedStatic, INITIATION.STATIC);
  mixHash(crypto, state, sealedStatic);

  key = mixKey(crypto, state, theirs.staticSecret);
  const sealedStamp = crypto.seal(key, stamp, state.hash);
  key.fill(0);
  out.set(sealedStamp, INITIATION.TIMESTAMP);
  mixHash(crypto, state, sealedStamp);

  ephemeralShared.fill(0);
  return { hash: state.hash, chainingKey: state.chainingKey, ephemeralPrivate };
}

/** Opens an initiation as far as the initiator's static key. Costs one DH. */
export function openInitiation(crypto: Crypto, ours: StaticKeys, message: Uint8Array): OpenedInitiation | undefined {
  const ephemeral = message.slice(INITIATION.EPHEMERAL, INITIATION.EPHEMERAL + KEY_BYTES);
  const shared = crypto.sharedSecret(ours.privateKey, ephemeral);
  if (shared === undefined) return undefined;
  const state = startTranscript(crypto, ours.publicKey);
  mixEphemeral(crypto, state, ephemeral);
  const key = mixKey(crypto, state, shared);
  shared.fill(0);
  const sealedStatic = message.subarray(INITIATION.STATIC, INITIATION.STATIC_END);
  const initiator = crypto.open(key, sealedStatic, state.hash);
  key.fill(0);
  if (initiator === undefined || initiator.length !== KEY_BYTES) {
    wipeTranscript(state);
    return undefined;
  }
  mixHash(crypto, state, sealedStatic);
  return { ...state, senderIndex: readWord(message, INITIATION.SENDER), ephemeral, initiator };
}

/** Opens the timestamp (12 bytes) of an initiation, which proves that the initiator holds its static key. */
export function openTimestamp(
  crypto: Crypto,
  opened: OpenedInitiation,
  theirs: RemoteKeys,
  message: Uint8Array,
): Uint8Array | undefined {
  if (theirs.staticSecret === undefined) return undefined;
  const key = mixKey(crypto, opened, theirs.staticSecret);
  const sealedStamp = message.subarray(INITIATION.TIMESTAMP, INITIATION.TIMESTAMP_END);
  const stamp = crypto.open(key, sealedStamp, opened.hash);
  key.fill(0);
  if (stamp === undefined || stamp.length !== STAMP_BYTES) return undefined;
  mixHash(crypto, opened, sealedStamp);
  return stamp;
}

/**
 * Writes the response to an initiation, up to its MACs, into `out` (`RESPONSE.BYTES`), and derives the
 * responder's session. Wipes both the initiation's state and the ephemeral.
 */
export function writeResponse(
  crypto: Crypto,
  opened: OpenedInitiation,
  theirs: RemoteKeys,
  ephemeralPrivate: Uint8Array,
  senderIndex: number,
  out: Uint8Array,
): TransportKeys | undefined {
  const ephemeralShared = crypto.sharedSecret(ephemeralPrivate, opened.ephemeral);
  const staticShared = crypto.sharedSecret(ephemeralPrivate, theirs.publicKey);
  if (ephemeralShared === undefined || staticShared === undefined) {
    ephemeralShared?.fill(0);
    staticShared?.fill(0);
    ephemeralPrivate.fill(0);
    wipeTranscript(opened);
    return undefined;
  }

  writeWord(MESSAGE_TYPE.RESPONSE, out, 0);
  writeWord(senderIndex, out, RESPONSE.SENDER);
  writeWord(opened.senderIndex, out, RESPONSE.RECEIVER);
  const ephemeral = crypto.publicKey(ephemeralPrivate);
  out.set(ephemeral, RESPONSE.EPHEMERAL);
  mixEphemeral(crypto, opened, ephemeral);
  mixKey(crypto, opened, ephemeralShared).fill(0);
  mixKey(crypto, opened, staticShared).fill(0);

  const key = mixPresharedKey(crypto, opened, theirs.presharedKey);
  const sealedEmpty = crypto.seal(key, EMPTY, opened.hash);
  key.fill(0);
  out.set(sealedEmpty, RESPONSE.EMPTY);

  const [receive, send] = deriveTransportKeys(crypto, opened.chainingKey);
  ephemeralShared.fill(0);
  staticShared.fill(0);
  ephemeralPrivate.fill(0);
  wipeTranscript(opened);
  return { send, receive };
}

/** Opens the response to an initiation of ours and derives the initiator's session. `sent` stays as it is. */
export function openResponse(
  crypto: Crypto,
  ours: StaticKeys,
  sent: SentInitiation,
  theirs: RemoteKeys,
  message: Uint8Array,
): TransportKeys | undefined {
  const ephemeral = message.slice(RESPONSE.EPHEMERAL, RESPONSE.EPHEMERAL + KEY_BYTES);
  const ephemeralShared = crypto.sharedSecret(sent.ephemeralPrivate, ephemeral);
  const staticShared = crypto.sharedSecret(ours.privateKey, ephemeral);
  if (ephemeralShared === undefined || staticShared === undefined) {
    ephemeralShared?.fill(0);
    staticShared?.fill(0);
    return undefined;
  }

  const state: Transcript = { hash: sent.hash, chainingKey: sent.chainingKey.slice() };
  mixEphemeral(crypto, state, ephemeral);
  mixKey(crypto, state, ephemeralShared).fill(0);
  mixKey(crypto, state, staticShared).fill(0);
  ephemeralShared.fill(0);
  staticShared.fill(0);

  const key = mixPresharedKey(crypto, state, theirs.presharedKey);
  const empty = crypto.open(key, message.subarray(RESPONSE.EMPTY, RESPONSE.EMPTY + TAG_BYTES), state.hash);
  key.fill(0);
  if (empty === undefined) {
    state.chainingKey.fill(0);
    return undefined;
  }
  const [send, receive] = deriveTransportKeys(crypto, state.chainingKey);
  wipeTranscript(state);
  return { send, receive };
}

/** The DH of two static keys, or undefined when it is zero; computed once a peer. */
export function computeStaticSecret(
  crypto: Crypto,
  privateKey: Uint8Array,
  publicKey: Uint8Array,
): Uint8Array | undefined {
  const secret = crypto.sharedSecret(privateKey, publicKey);
  return secret === undefined || isZero(secret) ? undefined : secret;
}

// C := Hash(CONSTRUCTION); H := Hash(C || IDENTIFIER); H := Hash(H || S_r^pub)
function startTranscript(crypto: Crypto, responder: Uint8Array): Transcript {
  const chainingKey = crypto.hash(CONSTRUCTION);
  return { chainingKey, hash: crypto.hash(crypto.hash(chainingKey, IDENTIFIER), responder) };
}

// C := Kdf1(C, e); H := Hash(H || e)
function mixEphemeral(crypto: Crypto, state: Transcript, ephemeral: Uint8Array): void {
  const previous = state.chainingKey;
  const secret = crypto.hmac(previous, ephemeral);
  state.chainingKey = crypto.hmac(secret, ONE);
  secret.fill(0);
  previous.fill(0);
  mixHash(crypto, state, ephemeral);
}

function mixHash(crypto: Crypto, state: Transcript, data: Uint8Array): void {
  state.hash = crypto.hash(state.hash, data);
}

// (C, k) := Kdf2(C, input)
function mixKey(crypto: Crypto, state: Transcript, input: Uint8Array): Uint8Array {
  const previous = state.chainingKey;
  const secret = crypto.hmac(previous, input);
  state.chainingKey = crypto.hmac(secret, ONE);
  const key = crypto.hmac(secret, state.chainingKey, TWO);
  secret.fill(0);
  previous.fill(0);
  return key;
}

// (C, t, k) := Kdf3(C, Q); H := Hash(H || t)
function mixPresharedKey(crypto: Crypto, state: Transcript, presharedKey: Uint8Array): Uint8Array {
  const previous = state.chainingKey;
  const secret = crypto.hmac(previous, presharedKey);
  state.chainingKey = crypto.hmac(secret, ONE);
  const temporary = crypto.hmac(secret, state.chainingKey, TWO);
  const key = crypto.hmac(secret, temporary, THREE);
  mixHash(crypto, state, temporary);
  temporary.fill(0);
  secret.fill(0);
  previous.fill(0);
  return key;
}

// (T1, T2) := Kdf2(C, empty): whitepaper 5.4.5
function deriveTransportKeys(crypto: Crypto, chainingKey: Uint8Array): [Uint8Array, Uint8Array] {
  const secret = crypto.hmac(chainingKey, EMPTY);
  const first = crypto.hmac(secret, ONE);
  const second = crypto.hmac(secret, first, TWO);
  secret.fill(0);
  return [first, second];
}
