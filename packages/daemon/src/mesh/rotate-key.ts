import { encodeBase64 } from '@pcloud/netmap';
import type { Logger } from '../log.ts';
import type { ControlClient } from './control/client.ts';
import { OperationError } from './control/requests.ts';
import type { Identity } from './state/identity.ts';

export interface RotateKeyDeps {
  readonly identity: Identity;
  readonly client: ControlClient;
  /** The server has the new key: the device is to go on under it. */
  readonly adopted: (privateKey: Uint8Array) => void;
  readonly log: Logger;
}

/**
 * Makes a new node key, proves it in the channel, and keeps it once the server has taken it.
 * @returns the public key, base64
 * @throws DaemonError STATE_FAILED; OperationError
 */
export async function rotateKey(deps: RotateKeyDeps, signal: AbortSignal | undefined): Promise<string> {
  const { identity, client, log } = deps;
  const next = identity.prepareNode();
  const nodeKey = encodeBase64(next.publicKey);
  try {
    const proof = encodeBase64(client.prove(next.privateKey) ?? new Uint8Array(0));
    await client.request('nodes.rotate', { nodeKey, proof }, signal);
  } catch (error) {
    next.discard();
    // Whether the server took it cannot be told: it takes the present one again when this device comes back.
    if (!(error instanceof OperationError)) {
      client.reconnect({ code: 'CLOSED', message: 'a new key was not confirmed' });
    }
    throw error;
  }
  try {
    next.adopt();
  } finally {
    deps.adopted(next.privateKey);
  }
  log.info({}, 'the node key was replaced');
  return nodeKey;
}
