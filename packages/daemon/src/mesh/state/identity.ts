import { join } from 'node:path';
import { decodeBase64, encodeBase64 } from '@pcloud/netmap';
import type { Crypto } from '@pcloud/wireguard';
import { corruptFile, readStateFile, writeStateFile } from './state-file.ts';

/** A key of this device, X25519. The private half never leaves the device. */
export interface KeyPair {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** Who this device is: to servers, and to other nodes. */
export interface Identity {
  readonly machine: KeyPair;
  readonly node: KeyPair;
  /** Zeroes the private keys. */
  destroy(): void;
}

export interface IdentityDeps {
  readonly crypto: Pick<Crypto, 'publicKey'>;
  /** Fills with unpredictable bytes. */
  readonly random: (out: Uint8Array) => void;
}

const KEY_BYTES = 32;
const NEXT_STEP =
  'put it back from a backup, or move it away, remove this device with "pcloud nodes remove", and join again with a new link';

/**
 * The keys in `machine.key` and `node.key`, made at the first start.
 * @throws DaemonError STATE_CORRUPT, STATE_FAILED
 */
export function loadIdentity(stateDir: string, deps: IdentityDeps): Identity {
  const machine = loadKey(join(stateDir, 'machine.key'), deps);
  const node = loadKey(join(stateDir, 'node.key'), deps);
  return {
    machine,
    node,
    destroy() {
      machine.privateKey.fill(0);
      node.privateKey.fill(0);
    },
  };
}

function loadKey(path: string, { crypto, random }: IdentityDeps): KeyPair {
  const text = readStateFile(path);
  const privateKey = text === undefined ? makeKey(path, random) : decodeBase64(text.trim(), KEY_BYTES);
  if (privateKey === undefined) throw corruptFile(path, NEXT_STEP);
  return { privateKey, publicKey: crypto.publicKey(privateKey) };
}

function makeKey(path: string, random: (out: Uint8Array) => void): Uint8Array {
  const privateKey = new Uint8Array(KEY_BYTES);
  random(privateKey);
  // RFC 7748 section 5, so that what is kept is what is used.
  privateKey[0]! &= 248;
  privateKey[31] = (privateKey[31]! & 127) | 64;
  writeStateFile(path, `${encodeBase64(privateKey)}\n`);
  return privateKey;
}
