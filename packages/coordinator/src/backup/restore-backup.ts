/** Puts a network back from a backup, as one that has begun anew: what the backup gave away is void. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { decodeBase64, encodeBase64, openServerSet, openWithRoot, parseNetworkId, signServerSet } from '@pcloud/netmap';
import type { Crypto } from '@pcloud/wireguard';
import { createAudit } from '../audit.ts';
import { CoordinatorError } from '../errors.ts';
import { type NetworkRecord, networkPath, networkRecord } from '../network/network-record.ts';
import { createKeyFile, readKeyFile } from '../network/secret-file.ts';
import { syncDirectory } from '../private-file.ts';
import { kitOf, parseKit } from '../recovery/kit.ts';
import { writeRecoveryRecord } from '../recovery/record.ts';
import { createRoot } from '../recovery/root-key.ts';
import { checkVersion, FIRST_VERSION, MIGRATIONS, readSchema, schemaPath } from '../schema/index.ts';
import { encodeRecord, openLevelStore, readRecord } from '../store/index.ts';
import { backupHead, parseBackupFile } from './backup-file.ts';
import { type BackupContents, unpackContents } from './contents.ts';
import { voidSecrets } from './void-secrets.ts';
import { writeEntries } from './write-entries.ts';

export interface RestoreOptions {
  /** The coordinator's, which is not there yet. */
  readonly stateDir: string;
  /** The server's as a device. */
  readonly deviceDir: string;
  /** The recovery kit, as its file or its words; undefined while there is none at hand. */
  readonly kit: string | undefined;
  /** Wall clock, milliseconds. */
  readonly wallMs: number;
}

export interface Restored {
  readonly networkId: string;
  /** Of the backup. Wall clock, milliseconds. */
  readonly madeAtMs: number;
  readonly epoch: number;
  /** How many links, invitations and sessions are void. */
  readonly voided: number;
}

export interface RestoreDeps {
  readonly crypto: Crypto;
  readonly random: (out: Uint8Array) => void;
}

/** Whether only the recovery kit opens it. @throws CoordinatorError BACKUP_INVALID */
export function isSealed(text: string): boolean {
  return parseBackupFile(text).once !== undefined;
}

/**
 * Makes the state of a coordinator from a backup, all of it or nothing. The epoch is a higher one, and the root signs a
 * server set of this server alone: maps and servers from before have no say any more.
 * @throws CoordinatorError BACKUP_INVALID, KIT_INVALID, KIT_OTHER, STATE_EXISTS, STATE_MISMATCH; StoreError
 */
export async function restoreBackup(text: string, options: RestoreOptions, deps: RestoreDeps): Promise<Restored> {
  const { stateDir, deviceDir, wallMs } = options;
  checkIsFree(stateDir);
  const { contents, root } = open(text, options.kit, deps.crypto);
  checkDevice(deviceDir, contents);
  const draft = `${stateDir}.restoring`;
  try {
    rmSync(draft, { recursive: true, force: true });
    mkdirSync(draft, { recursive: true, mode: 0o700 });
    const made = await writeStore(join(draft, 'store'), contents, root, wallMs, deps);
    writeKeys(draft, contents);
    const { machine, node } = contents.keys;
    if (machine !== undefined) createKeyFile(join(deviceDir, 'machine.key'), decodeBase64(machine)!);
    if (node !== undefined) createKeyFile(join(deviceDir, 'node.key'), decodeBase64(node)!);
    renameSync(draft, stateDir);
    syncDirectory(dirname(stateDir));
    return { networkId: contents.networkId, madeAtMs: contents.madeAtMs, ...made };
  } finally {
    root.fill(0);
    rmSync(draft, { recursive: true, force: true });
  }
}

function open(
  text: string,
  kitText: string | undefined,
  crypto: Crypto,
): { readonly contents: BackupContents; readonly root: Uint8Array } {
  const file = parseBackupFile(text);
  const kit = kitText === undefined ? undefined : parseKit(kitText);
  if (kit !== undefined && kit.networkId !== file.networkId) {
    throw new CoordinatorError('KIT_OTHER', `recovery kit: it is that of another network, ${kit.networkId}`);
  }
  if (file.once !== undefined && kit === undefined) {
    throw new CoordinatorError(
      'KIT_INVALID',
      'backup: it is sealed, and only the recovery kit of its network opens it',
    );
  }
  const packed =
    file.once && kit ? openWithRoot(kit.root, file.once, file.body, Buffer.from(backupHead(file)), crypto) : file.body;
  if (packed === undefined) throw invalid('the recovery kit does not open it: it was altered');
  const contents = unpackContents(packed);
  const root = kit?.root ?? decodeBase64(contents.keys.root ?? '', 32);
  if (contents.networkId !== file.networkId) throw invalid('it holds another network than it says');
  if (root === undefined) throw invalid('it holds no root, and needs the recovery kit');
  if (kitOf(root).networkId !== file.networkId) throw invalid('its root is that of another network');
  return { contents, root };
}

/** What is not there cannot be overwritten. */
function checkIsFree(stateDir: string): void {
  if (!existsSync(stateDir) || readdirSync(stateDir).length === 0) return;
  const step = 'move it away, or choose another --state-dir';
  throw new CoordinatorError('STATE_EXISTS', `"${stateDir}": there is a network already; ${step}`);
}

/** The same device may be here still; another is not made this one. */
function checkDevice(deviceDir: string, { keys }: BackupContents): void {
  for (const [name, expected] of [
    ['machine.key', keys.machine],
    ['node.key', keys.node],
  ] as const) {
    const found = readKeyFile(join(deviceDir, name));
    if (found === undefined || expected === undefined || encodeBase64(found) === expected) continue;
    const step = 'run "pcloud logout" and move its keys away, or choose another --state-dir';
    throw new CoordinatorError('STATE_EXISTS', `"${deviceDir}": this machine is a device of its own; ${step}`);
  }
}

async function writeStore(
  directory: string,
  { snapshot, networkId, madeAtMs, keys }: BackupContents,
  root: Uint8Array,
  wallMs: number,
  { crypto, random }: RestoreDeps,
): Promise<{ readonly epoch: number; readonly voided: number }> {
  const store = await openLevelStore(directory);
  try {
    const wanted = encodeBase64(networkPath);
    const others = snapshot.entries.filter(([key]) => key !== wanted);
    const entry = snapshot.entries.find(([key]) => key === wanted);
    if (entry === undefined) throw invalid('it holds no network');
    const record = readRecord(networkRecord, { key: networkPath, value: decodeBase64(entry[1])! });
    if (record.id !== networkId) throw invalid('it holds another network than it says');
    checkSchema(snapshot);
    await writeEntries(store, others);
    const voided = await voidSecrets(store);
    const channelPublic = encodeBase64(crypto.publicKey(decodeBase64(keys.channel, 32)!));
    const next = beginAnew(record, channelPublic, root, wallMs);
    const audit = createAudit({ store, now: () => wallMs, random });
    const detail = { epoch: next.epoch, backupAtMs: madeAtMs, voided };
    const event = audit.put({ actor: { kind: 'root' }, action: 'backup.restore', detail });
    await store.commit({ compare: [], put: [{ key: networkPath, value: encodeRecord(next) }, event] });
    return { epoch: next.epoch, voided };
  } finally {
    await store.close();
  }
}

/** A store of an older version is brought to that of now when it is opened. */
function checkSchema({ entries }: BackupContents['snapshot']): void {
  const wanted = encodeBase64(schemaPath);
  const found = entries.find(([key]) => key === wanted);
  const record = readSchema(found && { key: schemaPath, value: decodeBase64(found[1]) ?? new Uint8Array(0) });
  checkVersion({ version: record.version }, MIGRATIONS.at(-1)?.to ?? FIRST_VERSION, 'backup');
}

/**
 * Epoch and number go by the clock, so that of two restores of one backup the later has the higher; and up in any
 * case, where the clock is wrong.
 */
function beginAnew(record: NetworkRecord, channelKey: string, root: Uint8Array, wallMs: number): NetworkRecord {
  const opened = openServerSet(decodeBase64(record.serverSet) ?? new Uint8Array(0), {
    networkId: parseNetworkId(record.id)!,
  });
  const servers = opened.kind === 'set' ? opened.set.servers.filter((each) => each.channelKey === channelKey) : [];
  if (opened.kind === 'refused' || servers.length === 0) throw invalid('its server set is not that of its server');
  const seconds = Math.floor(wallMs / 1_000);
  const number = Math.max(opened.set.number + 1, seconds);
  const serverSet = encodeBase64(signServerSet({ number, servers }, root));
  return { ...record, epoch: Math.max(record.epoch + 1, seconds), serverSet };
}

function writeKeys(draft: string, { keys, networkId, kitTakenAtMs, madeAtMs }: BackupContents): void {
  createKeyFile(join(draft, 'channel.key'), decodeBase64(keys.channel)!);
  if (keys.root !== undefined) {
    createRoot(draft, decodeBase64(keys.root)!);
    if (kitTakenAtMs !== undefined) writeRecoveryRecord(draft, { networkId, takenAtMs: kitTakenAtMs });
    return;
  }
  // Somebody has the kit: the backup was opened by it.
  writeRecoveryRecord(draft, { networkId, takenAtMs: kitTakenAtMs ?? madeAtMs, confirmedAtMs: madeAtMs });
}

function invalid(why: string): CoordinatorError {
  return new CoordinatorError('BACKUP_INVALID', `backup: ${why}`);
}
