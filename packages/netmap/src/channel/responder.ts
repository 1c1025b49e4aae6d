import { copyBytes } from '../bytes.ts';
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
  mixHash,
  mixKey,
  openAndHash,
  type SymmetricState,
  sealAndHash,
  startState,
  wipeState,
} from './symmetric-state.ts';

export interface Responder {
  /** The response, 48 bytes, to a request that verifies: once, then the responder is spent. */
  respond(request: Uint8Array): { readonly response: Uint8Array; readonly result: HandshakeResult } | undefined;
  destroy(): void;
}

/** @throws NetmapError INVALID_KEY */
export function createResponder(options: HandshakeOptions): Responder {
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

function openRequest(
  { crypto, prologue }: HandshakeOptions,
  keys: OwnKeys,
  request: Uint8Array,
): { state: SymmetricState; remoteStatic: Uint8Array; remoteEphemeral: Uint8Array } | undefined {
  if (request.length !== HANDSHAKE.REQUEST_BYTES) return undefined;
  const state = startState(crypto, prologue, crypto.publicKey(keys.staticPrivate));
  const remoteEphemeral = copyBytes(request.subarray(0, 32));
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
