/**
 * Noise_IK_25519_ChaChaPoly_BLAKE2s (Noise specification, revision 34, section 7.5) with empty payloads.
 * What does not verify is refused and changes nothing; a DH result of zero is refused too.
 */
import type { Crypto, TransportKey } from '@pcloud/wireguard';
import { expectKey, utf8 } from '../bytes.ts';
import { isCanonicalKey } from '../public-key.ts';
import {
  copyState,
  mixHash,
  mixKey,
  openAndHash,
  type SymmetricState,
  sealAndHash,
  splitState,
  startState,
  wipeState,
} from './symmetric-state.ts';

/** Bytes of the two messages. */
export const HANDSHAKE = { REQUEST_BYTES: 96, RESPONSE_BYTES: 48 } as const;

const EMPTY = new Uint8Array(0);
const LABEL = utf8('pcloud/control/1');

export interface ResponderOptions {
  readonly crypto: Crypto;
  readonly prologue: Uint8Array;
  /** Copied; the caller's stays as it is. */
  readonly staticPrivate: Uint8Array;
  /** 32 fresh random bytes, never used for another handshake. Copied. */
  readonly ephemeralPrivate: Uint8Array;
}

export interface InitiatorOptions extends ResponderOptions {
  readonly remoteStatic: Uint8Array;
}

export interface HandshakeResult {
  readonly send: TransportKey;
  readonly receive: TransportKey;
  /** The transcript, 32 bytes: the same at both ends and in no other handshake. */
  readonly hash: Uint8Array;
  /** The other side's proven static public key. */
  readonly remoteStatic: Uint8Array;
}

export interface Initiator {
  /** The request, 96 bytes, or undefined when the remote key is of low order or not canonical. The same each time. */
  start(): Uint8Array | undefined;
  /** The response to it: once, then the initiator is spent. Undefined when it does not verify. */
  finish(response: Uint8Array): HandshakeResult | undefined;
  destroy(): void;
}

export interface Responder {
  /** The response, 48 bytes, to a request that verifies: once, then the responder is spent. */
  respond(request: Uint8Array): { readonly response: Uint8Array; readonly result: HandshakeResult } | undefined;
  destroy(): void;
}

/** The prologue of the node channel of one network. */
export function controlPrologue(networkId: Uint8Array): Uint8Array {
  expectKey('network id', networkId);
  const prologue = new Uint8Array(LABEL.length + networkId.length);
  prologue.set(LABEL);
  prologue.set(networkId, LABEL.length);
  return prologue;
}

/** @throws NetmapError INVALID_KEY */
export function createInitiator(options: InitiatorOptions): Initiator {
  const { crypto } = options;
  const keys = ownKeys(options);
  expectKey('remote static key', options.remoteStatic);
  const remoteStatic = options.remoteStatic.slice();
  let sent: { readonly request: Uint8Array; readonly state: SymmetricState } | undefined;
  let isSpent = false;

  function destroy(): void {
    isSpent = true;
    keys.wipe();
    if (sent !== undefined) wipeState(sent.state);
    sent = undefined;
  }

  return {
    start() {
      if (isSpent || !isCanonicalKey(remoteStatic)) return undefined;
      sent ??= writeRequest(options, keys, remoteStatic);
      return sent?.request.slice();
    },
    finish(response) {
      if (sent === undefined || response.length !== HANDSHAKE.RESPONSE_BYTES) return undefined;
      const state = copyState(sent.state);
      const ephemeral = response.slice(0, 32);
      mixHash(state, ephemeral); // <- e, ee, se
      const isOpen =
        mixKey(state, crypto.sharedSecret(keys.ephemeralPrivate, ephemeral)) &&
        mixKey(state, crypto.sharedSecret(keys.staticPrivate, ephemeral)) &&
        openAndHash(state, response.subarray(32)) !== undefined;
      if (!isOpen) {
        wipeState(state);
        return undefined;
      }
      destroy();
      const [send, receive] = transportKeys(state);
      return { send, receive, hash: state.hash, remoteStatic };
    },
    destroy,
  };
}

/** @throws NetmapError INVALID_KEY */
export function createResponder(options: ResponderOptions): Responder {
  const { crypto } = options;
  const keys = ownKeys(options);
  let isSpent = false;

  function destroy(): void {
    isSpent = true;
    keys.wipe();
  }

  return {
    respond(request) {
      if (isSpent) return undefined;
      const opened = openRequest(options, keys, request);
      if (opened === undefined) return undefined;
      const { state, remoteStatic, remoteEphemeral } = opened;
      const ephemeral = crypto.publicKey(keys.ephemeralPrivate);
      mixHash(state, ephemeral); // <- e, ee, se
      const isMixed =
        mixKey(state, crypto.sharedSecret(keys.ephemeralPrivate, remoteEphemeral)) &&
        mixKey(state, crypto.sharedSecret(keys.ephemeralPrivate, remoteStatic));
      if (!isMixed) {
        wipeState(state);
        return undefined;
      }
      const response = concat(ephemeral, sealAndHash(state, EMPTY));
      destroy();
      const [receive, send] = transportKeys(state);
      return { response, result: { send, receive, hash: state.hash, remoteStatic } };
    },
    destroy,
  };
}

interface OwnKeys {
  readonly staticPrivate: Uint8Array;
  readonly ephemeralPrivate: Uint8Array;
  wipe(): void;
}

function ownKeys(options: ResponderOptions): OwnKeys {
  expectKey('static private key', options.staticPrivate);
  expectKey('ephemeral private key', options.ephemeralPrivate);
  const staticPrivate = options.staticPrivate.slice();
  const ephemeralPrivate = options.ephemeralPrivate.slice();
  return {
    staticPrivate,
    ephemeralPrivate,
    wipe() {
      staticPrivate.fill(0);
      ephemeralPrivate.fill(0);
    },
  };
}

function writeRequest(
  { crypto, prologue }: InitiatorOptions,
  keys: OwnKeys,
  remoteStatic: Uint8Array,
): { request: Uint8Array; state: SymmetricState } | undefined {
  const state = startState(crypto, prologue, remoteStatic);
  const ephemeral = crypto.publicKey(keys.ephemeralPrivate);
  mixHash(state, ephemeral); // -> e, es, s, ss
  if (!mixKey(state, crypto.sharedSecret(keys.ephemeralPrivate, remoteStatic))) return undefined;
  const sealedStatic = sealAndHash(state, crypto.publicKey(keys.staticPrivate));
  if (!mixKey(state, crypto.sharedSecret(keys.staticPrivate, remoteStatic))) {
    wipeState(state);
    return undefined;
  }
  return { request: concat(ephemeral, sealedStatic, sealAndHash(state, EMPTY)), state };
}

function openRequest(
  { crypto, prologue }: ResponderOptions,
  keys: OwnKeys,
  request: Uint8Array,
): { state: SymmetricState; remoteStatic: Uint8Array; remoteEphemeral: Uint8Array } | undefined {
  if (request.length !== HANDSHAKE.REQUEST_BYTES) return undefined;
  const state = startState(crypto, prologue, crypto.publicKey(keys.staticPrivate));
  const remoteEphemeral = request.slice(0, 32);
  mixHash(state, remoteEphemeral); // -> e, es, s, ss
  if (!mixKey(state, crypto.sharedSecret(keys.staticPrivate, remoteEphemeral))) return undefined;
  const remoteStatic = openAndHash(state, request.subarray(32, 80));
  const isOpen =
    remoteStatic !== undefined &&
    isCanonicalKey(remoteStatic) &&
    mixKey(state, crypto.sharedSecret(keys.staticPrivate, remoteStatic)) &&
    openAndHash(state, request.subarray(80)) !== undefined;
  if (isOpen) return { state, remoteStatic, remoteEphemeral };
  wipeState(state);
  return undefined;
}

function transportKeys(state: SymmetricState): [TransportKey, TransportKey] {
  const [first, second] = splitState(state);
  wipeState(state);
  const keys: [TransportKey, TransportKey] = [
    state.crypto.createTransportKey(first),
    state.crypto.createTransportKey(second),
  ];
  first.fill(0);
  second.fill(0);
  return keys;
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
