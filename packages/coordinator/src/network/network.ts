/** What a network is: its root, this server's channel key, its prefixes and its servers. Made at the first start. */
import { join } from 'node:path';
import { formatPrefix, type Prefix, parsePrefix } from '@pcloud/ip';
import {
  canonicalJson,
  decodeBase64,
  encodeBase64,
  formatNetworkId,
  type MapNetwork,
  networkId,
  openServerSet,
  parseNetworkId,
  type ServerSet,
  signKeyOf,
  signSeedOf,
  signServerSet,
  ulaFor,
} from '@pcloud/netmap';
import type { Crypto } from '@pcloud/wireguard';
import * as v from 'valibot';
import { CoordinatorError } from '../errors.ts';
import { encodeRecord, readRecord, type Store, textKey } from '../store/index.ts';
import { createKeyFile, readKeyFile } from './secret-file.ts';

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
}

const networkRecord = v.object({
  id: v.string(),
  epoch: v.number(),
  prefix4: v.string(),
  serverSet: v.string(),
});

const RECORD = textKey('network');
const DOMAIN = 'pcloud';

/**
 * Opens the network of a state directory, or makes one. Other URLs than before make a new server set, signed
 * by the root where it is on this disk.
 * @throws CoordinatorError KEY_FILE_INVALID, STATE_MISMATCH; StoreError
 */
export async function openNetwork(options: NetworkOptions, deps: NetworkDeps): Promise<Network> {
  const { store, crypto, random } = deps;
  const rootPath = join(options.stateDir, 'root.key');
  const entry = await store.get(RECORD);
  const root = readKeyFile(rootPath) ?? (entry === undefined ? createKeyFile(rootPath, fresh(random)) : undefined);
  const channelPath = join(options.stateDir, 'channel.key');
  const channelPrivate = readKeyFile(channelPath) ?? createKeyFile(channelPath, fresh(random));
  const channelPublic = crypto.publicKey(channelPrivate);
  const ours = {
    channelKey: encodeBase64(channelPublic),
    signKey: encodeBase64(signKeyOf(signSeedOf(channelPrivate))),
    urls: options.urls,
  };

  let record: v.InferOutput<typeof networkRecord>;
  let revision = 0;
  if (entry === undefined) {
    const serverSet = signServerSet({ number: 1, servers: [ours] }, root!);
    const id = networkId(signKeyOf(root!));
    record = {
      id: formatNetworkId(id),
      epoch: 1,
      prefix4: formatPrefix(options.prefix4),
      serverSet: encodeBase64(serverSet),
    };
  } else {
    record = readRecord(networkRecord, entry);
    revision = entry.revision;
    if (root !== undefined && formatNetworkId(networkId(signKeyOf(root))) !== record.id) {
      throw new CoordinatorError('STATE_MISMATCH', `"${rootPath}" is the root of another network than the store's`);
    }
  }
  const id = networkIdOf(record.id);
  let set = readServerSet(record.serverSet, id);
  const others = set.servers.filter((server) => server.channelKey !== ours.channelKey);
  const wanted = [...others, ours];
  if (canonicalJson(set.servers) !== canonicalJson(wanted) && root !== undefined) {
    set = { number: set.number + 1, servers: wanted };
    record = { ...record, serverSet: encodeBase64(signServerSet(set, root)) };
  }
  root?.fill(0);
  const value = encodeRecord(record);
  if (entry === undefined || encodeBase64(value) !== encodeBase64(entry.value)) {
    const result = await store.commit({ compare: [{ key: RECORD, revision }], put: [{ key: RECORD, value }] });
    if (!result.committed) return openNetwork(options, deps);
  }

  const prefix4 = parsePrefix(record.prefix4)!;
  return {
    id,
    epoch: record.epoch,
    prefix4,
    channelPrivate,
    channelPublic,
    serverSet: decodeBase64(record.serverSet)!,
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

function readServerSet(base64: string, id: Uint8Array): ServerSet {
  const opened = openServerSet(decodeBase64(base64) ?? new Uint8Array(0), { networkId: id });
  if (opened.kind === 'set') return opened.set;
  throw new CoordinatorError('STATE_MISMATCH', `the store's server set is refused: ${opened.code}`);
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
