import { join } from 'node:path';
import { decodeBase64, encodeBase64, openServerSet, parseNetworkId, rootKeyOf, sealToRoot } from '@pcloud/netmap';
import type { Crypto } from '@pcloud/wireguard';
import { CoordinatorError } from '../errors.ts';
import { networkPath, networkRecord } from '../network/network-record.ts';
import { readKeyFile } from '../network/secret-file.ts';
import { readRecoveryRecord } from '../recovery/record.ts';
import { readRoot } from '../recovery/root-key.ts';
import { readRecord } from '../store/index.ts';
import { backupHead, formatBackupFile } from './backup-file.ts';
import { type BackupContents, type BackupKeys, packContents, type Snapshot } from './contents.ts';

export interface BackupOptions {
  /** The coordinator's. */
  readonly stateDir: string;
  /** The server's as a device; left out, its keys are not in it. */
  readonly deviceDir?: string;
  /** The root stays where it is: it, or the kit, opens the backup. */
  readonly withoutRoot?: boolean;
  /** For people: `pcloud 0.1.0`. */
  readonly program: string;
  /** Wall clock, milliseconds. */
  readonly wallMs: number;
}

export interface BackupDeps {
  readonly crypto: Crypto;
  readonly random: (out: Uint8Array) => void;
}

export interface Backup {
  /** Of the file. */
  readonly text: string;
  readonly networkId: string;
  /** Whether only the recovery kit opens it; else it holds the root itself. */
  readonly sealed: boolean;
  /** Of the store. */
  readonly revision: number;
}

/**
 * A backup of a network from a snapshot of its store and the keys on this disk. Once the recovery kit was taken it is
 * sealed to it: before that the root is on this disk alone, and would be of no use to who lost the disk.
 * @throws CoordinatorError NETWORK_UNKNOWN, KEY_FILE_INVALID, STATE_MISMATCH
 */
export function takeBackup(snapshot: Snapshot, options: BackupOptions, { crypto, random }: BackupDeps): Backup {
  const { stateDir, program, wallMs } = options;
  const { id: networkId, serverSet } = readNetwork(snapshot);
  const record = readRecoveryRecord(stateDir);
  const kit = record?.networkId === networkId ? record : undefined;
  const contents: BackupContents = {
    networkId,
    madeAtMs: wallMs,
    ...(kit?.takenAtMs !== undefined && { kitTakenAtMs: kit.takenAtMs }),
    keys: readKeys(options),
    snapshot,
  };
  const packed = packContents(contents);
  const head = { networkId, made: new Date(wallMs).toISOString(), program };
  const isTaken = kit?.takenAtMs !== undefined || kit?.confirmedAtMs !== undefined || contents.keys.root === undefined;
  if (!isTaken) {
    const text = formatBackupFile({ ...head, once: undefined, body: packed });
    return { text, networkId, sealed: false, revision: snapshot.revision };
  }
  const once = new Uint8Array(32);
  random(once);
  const sealing = sealToRoot(rootOf(serverSet, networkId), once, packed, Buffer.from(backupHead(head)), crypto);
  once.fill(0);
  const text = formatBackupFile({ ...head, once: sealing.once, body: sealing.sealed });
  return { text, networkId, sealed: true, revision: snapshot.revision };
}

function readNetwork({ entries }: Snapshot) {
  const wanted = encodeBase64(networkPath);
  const found = entries.find(([key]) => key === wanted);
  if (found === undefined) throw new CoordinatorError('NETWORK_UNKNOWN', 'backup: the store has no network yet');
  return readRecord(networkRecord, { key: networkPath, value: decodeBase64(found[1])! });
}

/** Not the root's word is taken for it, but that of the network's id. */
function rootOf(serverSet: string, networkId: string): Uint8Array {
  const bytes = decodeBase64(serverSet) ?? new Uint8Array(0);
  const opened = openServerSet(bytes, { networkId: parseNetworkId(networkId)! });
  const root = rootKeyOf(bytes);
  if (opened.kind === 'set' && root !== undefined) return root;
  throw new CoordinatorError('STATE_MISMATCH', "backup: the store's server set is none of its network");
}

function readKeys({ stateDir, deviceDir, withoutRoot }: BackupOptions): BackupKeys {
  const channel = take(readKeyFile(join(stateDir, 'channel.key')));
  if (channel === undefined) {
    throw new CoordinatorError('NETWORK_UNKNOWN', `"${stateDir}": no network was started here`);
  }
  const found = {
    root: withoutRoot ? undefined : take(readRoot(stateDir)),
    machine: deviceDir === undefined ? undefined : take(readKeyFile(join(deviceDir, 'machine.key'))),
    node: deviceDir === undefined ? undefined : take(readKeyFile(join(deviceDir, 'node.key'))),
  };
  return { channel, ...Object.fromEntries(Object.entries(found).filter(([, key]) => key !== undefined)) };
}

function take(key: Uint8Array | undefined): string | undefined {
  const text = key && encodeBase64(key);
  key?.fill(0);
  return text;
}
