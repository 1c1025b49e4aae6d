/**
 * Noise_IK_25519_ChaChaPoly_BLAKE2s (Noise specification, revision 34, section 7.5) with empty payloads: what
 * both ends have in common. What does not verify is refused and changes nothing; a DH result of zero is refused too.
 */
import type { Crypto, TransportKey } from '@pcloud/wireguard';
import { copyBytes, expectKey, utf8 } from '../bytes.ts';
import { type SymmetricState, splitState, wipeState } from './symmetric-state.ts';

/** Bytes of the two messages. */
export const HANDSHAKE = { REQUEST_BYTES: 96, RESPONSE_BYTES: 48 } as const;

export const EMPTY: Uint8Array = new Uint8Array(0);
const LABEL = utf8('pcloud/control/1');

/** What both ends are made from. */
export interface HandshakeOptions {
  readonly crypto: Crypto;
  readonly prologue: Uint8Array;
  /** Copied; the caller's stays as it is. */
  readonly staticPrivate: Uint8Array;
  /** 32 fresh random bytes, never used for another handshake. Copied. */
  readonly ephemeralPrivate: Uint8Array;
}

export interface HandshakeResult {
  readonly send: TransportKey;
  readonly receive: TransportKey;
  /** The transcript, 32 bytes: the same at both ends and in no other handshake. */
  readonly hash: Uint8Array;
  /** The other side's proven static public key. */
  readonly remoteStatic: Uint8Array;
}

/** The prologue of the node channel of one network. */
export function controlPrologue(networkId: Uint8Array): Uint8Array {
  expectKey('network id', networkId);
  const prologue = new Uint8Array(LABEL.length + networkId.length);
  prologue.set(LABEL);
  prologue.set(networkId, LABEL.length);
  return prologue;
}

/** Copies of the private keys, to be wiped with the handshake. */
export interface OwnKeys {
  readonly staticPrivate: Uint8Array;
  readonly ephemeralPrivate: Uint8Array;
  wipe(): void;
}

export function ownKeys(options: HandshakeOptions): OwnKeys {
  expectKey('static private key', options.staticPrivate);
  expectKey('ephemeral private key', options.ephemeralPrivate);
  const staticPrivate = copyBytes(options.staticPrivate);
  const ephemeralPrivate = copyBytes(options.ephemeralPrivate);
  return {
    staticPrivate,
    ephemeralPrivate,
    wipe() {
      staticPrivate.fill(0);
      ephemeralPrivate.fill(0);
    },
  };
}

/** The end of a handshake: the keys of the initiator’s messages, then of the responder’s. Wipes the state. */
export function transportKeys(state: SymmetricState): [TransportKey, TransportKey] {
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

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
