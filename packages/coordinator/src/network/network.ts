/** What a network is: its root, this server's channel key, its prefixes and its servers. Made at the first start. */
import { join } from 'node:path';
import { formatPrefix, type Prefix, parsePrefix } from '@pcloud/ip';
import {
  decodeBase64,
  encodeBase64,
  formatNetworkId,
  isMeshRange,
  type MapNetwork,
  MESH_RANGES,
  networkId,
  parseNetworkId,
  signKeyOf,
  signSeedOf,
  signServerSet,
  ulaFor,
} from '@pcloud/netmap';
import type { Crypto } from '@pcloud/wireguard';
import { CoordinatorError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { createRoot, endDestruction, readRoot } from '../recovery/root-key.ts';
import { encodeRecord, readRecord, type Store } from '../store/index.ts';
import { type NetworkRecord, networkPath, networkRecord } from './network-record.ts';
import { createKeyFile, readKeyFile } from './secret-file.ts';
import { currentServerSet } from './server-set.ts';

export interface Network {
  /** 32 bytes. */
  readonly id: Uint8Array;
  /** Raised by a restore: maps of an older one are void. */
  readonly epoch: number;
  readonly prefix4: Prefix;
  /** X25519; this server's end of the node channel. */
  readonly channelPrivate: Uint8Array;
  readonly channelPublic: Uint8Array;
  /** The newest server set, signed. */
  readonly serverSet: Uint8Array;
  readonly serverSetNumber: number;
  /** Where this server is reached from outside, best first. */
  readonly urls: readonly string[];
  /** What every map says of it. */
  readonly face: MapNetwork;
}

export interface NetworkOptions {
  readonly stateDir: string;
  /** Of a network that is made now: its IPv4 prefix. */
  readonly prefix4: Prefix;
  readonly urls: readonly string[];
}

export interface NetworkDeps {
  readonly store: Store;
  readonly crypto: Crypto;
  readonly random: (out: Uint8Array) => void;
  readonly log: Pick<Logger, 'warn'>;
}

const DOMAIN = 'pcloud';

/**
 * Opens the network of a state directory, or makes one. Other URLs than before make a new server set, signed
 * by the root where it is on this disk, and else by this server where it alone was the set.
 * @throws CoordinatorError INPUT_INVALID, KEY_FILE_INVALID, STATE_MISMATCH; StoreError
 */
export async function openNetwork(options: NetworkOptions, deps: NetworkDeps): Promise<Network> {
  const { store, crypto, random, log } = deps;
  const { stateDir } = options;
  const entry = await store.get(networkPath);
  const stored = entry && readRecord(networkRecord, entry);
  if (!stored && !isMeshRange(options.prefix4)) {
    throw new CoordinatorError('INPUT_INVALID', `network ${formatPrefix(options.prefix4)}: expected ${MESH_RANGES}`);
  }
  if (stored) endDestruction(stateDir, stored.id);
  const root = readRoot(stateDir) ?? (stored ? undefined : createRoot(stateDir, fresh(random)));
  const channelPrivate = readChannelKey(stateDir, stored !== undefined && root === undefined, random);
  const channelPublic = crypto.publicKey(channelPrivate);
  const ours = {
    channelKey: encodeBase64(channelPublic),
    signKey: encodeBase64(signKeyOf(signSeedOf(channelPrivate))),
    urls: options.urls,
  };

  let record: NetworkRecord;
  if (stored === undefined) {
    const serverSet = signServerSet({ number: 1, servers: [ours] }, root!);
    const id = networkId(signKeyOf(root!));
    record = {
      id: formatNetworkId(id),
      epoch: 1,
      prefix4: formatPrefix(options.prefix4),
      serverSet: encodeBase64(serverSet),
    };
  } else {
    record = stored;
    if (root !== undefined && formatNetworkId(networkId(signKeyOf(root))) !== record.id) {
      throw new CoordinatorError('STATE_MISMATCH', `"${stateDir}" has the root of another network than its store`);
    }
  }
  const id = networkIdOf(record.id);
  const set = currentServerSet(decodeBase64(record.serverSet) ?? new Uint8Array(0), id, ours, {
    root,
    server: signSeedOf(channelPrivate),
  });
  if (!set.isCurrent) {
    log.warn({}, 'nodes do not hear of the new addresses of this server: other servers have to approve them');
  }
  record = { ...record, serverSet: encodeBase64(set.bytes) };
  root?.fill(0);
  const value = encodeRecord(record);
  if (entry === undefined || encodeBase64(value) !== encodeBase64(entry.value)) {
    const compare = [{ key: networkPath, revision: entry?.revision ?? 0 }];
    const result = await store.commit({ compare, put: [{ key: networkPath, value }] });
    if (!result.committed) return openNetwork(options, deps);
  }

  const prefix4 = parsePrefix(record.prefix4)!;
  return {
    id,
    epoch: record.epoch,
    prefix4,
    channelPrivate,
    channelPublic,
    serverSet: set.bytes,
    serverSetNumber: set.number,
    urls: options.urls,
    face: {
      id: record.id,
      prefixes: [formatPrefix(prefix4), formatPrefix(ulaFor(id))],
      domain: DOMAIN,
      relays: [],
    },
  };
}

/** @param isNeeded nodes know this server by its key, and nobody here can tell them of another */
function readChannelKey(stateDir: string, isNeeded: boolean, random: NetworkDeps['random']): Uint8Array {
  const path = join(stateDir, 'channel.key');
  const found = readKeyFile(path);
  if (found !== undefined || !isNeeded) return found ?? createKeyFile(path, fresh(random));
  throw new CoordinatorError('KEY_FILE_INVALID', `key file "${path}": it is gone; put it back from a backup`);
}

function networkIdOf(text: string): Uint8Array {
  const id = parseNetworkId(text);
  if (id === undefined) throw new CoordinatorError('STATE_MISMATCH', `the store's network id is none: "${text}"`);
  return id;
}

function fresh(random: (out: Uint8Array) => void): Uint8Array {
  const key = new Uint8Array(32);
  random(key);
  return key;
}
