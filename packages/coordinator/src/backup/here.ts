/** Backing up and restoring on this machine, with the randomness and cryptography of this process. */
import { randomFillSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createNobleCrypto } from '@pcloud/wireguard';
import { createAudit } from '../audit.ts';
import { CoordinatorError } from '../errors.ts';
import { createPrivateFile } from '../private-file.ts';
import { openLevelStore, type Store } from '../store/index.ts';
import type { Snapshot } from './contents.ts';
import { type Restored, type RestoreOptions, restoreBackup } from './restore-backup.ts';
import { encodeSnapshot, takeSnapshot } from './snapshot.ts';
import { type Backup, type BackupOptions, takeBackup } from './take-backup.ts';

const EVERYTHING = new Uint8Array(0);
const random = (out: Uint8Array): void => void randomFillSync(out);

/**
 * A snapshot of the store of a coordinator that does not run.
 * @throws CoordinatorError NETWORK_UNKNOWN; StoreError LOCKED where it does
 */
export async function snapshotAtRest(stateDir: string): Promise<Snapshot> {
  if (!existsSync(join(stateDir, 'channel.key'))) {
    throw new CoordinatorError('NETWORK_UNKNOWN', `"${stateDir}": no network was started here`);
  }
  const store = await openLevelStore(join(stateDir, 'store'));
  try {
    return await takeSnapshot({ kind: 'root' }, { store, audit: createAudit({ store, now: Date.now, random }) });
  } finally {
    await store.close();
  }
}

/**
 * A backup beside the store that it is of, for when what follows does not go well.
 * @returns the file
 * @throws CoordinatorError as `takeBackup`; the system's error
 */
export async function backUpBeside(store: Store, stateDir: string, program: string, why: string): Promise<string> {
  const { entries, revision } = await store.list(EVERYTHING);
  const snapshot = encodeSnapshot(entries, revision);
  const wallMs = Date.now();
  const stamp = new Date(wallMs).toISOString().slice(0, 19).replaceAll(':', '');
  const path = join(stateDir, 'backups', `${why}-${stamp}`);
  // The root is to leave this disk one day, and then wholly.
  createPrivateFile(path, backUp(snapshot, { stateDir, program, wallMs, withoutRoot: true }).text);
  return path;
}

/** @throws CoordinatorError as `takeBackup` */
export function backUp(snapshot: Snapshot, options: BackupOptions): Backup {
  return takeBackup(snapshot, options, { crypto: createNobleCrypto(), random });
}

/** @throws CoordinatorError, StoreError as `restoreBackup` */
export function restore(text: string, options: RestoreOptions): Promise<Restored> {
  return restoreBackup(text, options, { crypto: createNobleCrypto(), random });
}
