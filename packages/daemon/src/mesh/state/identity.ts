import { join } from 'node:path';
import { decodeBase64, encodeBase64 } from '@pcloud/netmap';
import type { Crypto } from '@pcloud/wireguard';
import { corruptFile, readStateFile, removeStateFile, renameStateFile, writeStateFile } from './state-file.ts';

/** A key of this device, X25519. The private half never leaves the device. */
export interface KeyPair {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** Who this device is: to servers, and to other nodes. */
export interface Identity {
  readonly machine: KeyPair;
  /** The one in use: another after a prepared one was adopted. */
  readonly node: KeyPair;
  /** A new node key, which is on disk already, and of no use until it is the node's. @throws DaemonError STATE_FAILED */
  prepareNode(): PreparedKey;
  /** Zeroes the private keys. */
  destroy(): void;
}

/** A key that may become the node's. */
export interface PreparedKey extends KeyPair {
  /** It is the node's from here on, at the next start, too. @throws DaemonError STATE_FAILED: then it is until then */
  adopt(): void;
  /** It is nobody's. */
  discard(): void;
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
  let node = loadKey(join(stateDir, 'node.key'), deps);
  const preparedPath = join(stateDir, 'node.key.next');
  // Whether a server took it cannot be told; it takes either.
  removeStateFile(preparedPath);
  return {
    machine,
    get node() {
      return node;
    },
    prepareNode() {
      removeStateFile(preparedPath);
      const prepared = loadKey(preparedPath, deps);
      return {
        ...prepared,
        adopt() {
          node.privateKey.fill(0);
          node = prepared;
          renameStateFile(preparedPath, join(stateDir, 'node.key'));
        },
        discard() {
          prepared.privateKey.fill(0);
          removeStateFile(preparedPath);
        },
      };
    },
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
