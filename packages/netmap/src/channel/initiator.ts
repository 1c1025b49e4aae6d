import { copyBytes, expectKey } from '../bytes.ts';
import { isCanonicalKey } from '../public-key.ts';
import {
  concat,
  EMPTY,
  HANDSHAKE,
  type HandshakeOptions,
  type HandshakeResult,
  type OwnKeys,
  ownKeys,
  transportKeys,
} from './handshake.ts';
import {
  copyState,
  mixHash,
  mixKey,
  openAndHash,
  type SymmetricState,
  sealAndHash,
  startState,
  wipeState,
} from './symmetric-state.ts';

export interface InitiatorOptions extends HandshakeOptions {
  readonly remoteStatic: Uint8Array;
}

export interface Initiator {
  /** The request, 96 bytes, or undefined when the remote key is of low order or not canonical. The same each time. */
  start(): Uint8Array | undefined;
  /** The response to it: once, then the initiator is spent. Undefined when it does not verify. */
  finish(response: Uint8Array): HandshakeResult | undefined;
  destroy(): void;
}

/** @throws NetmapError INVALID_KEY */
export function createInitiator(options: InitiatorOptions): Initiator {
  const { crypto } = options;
  const keys = ownKeys(options);
  expectKey('remote static key', options.remoteStatic);
  const remoteStatic = copyBytes(options.remoteStatic);
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
      const ephemeral = copyBytes(response.subarray(0, 32));
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
