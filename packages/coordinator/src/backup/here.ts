/** Backing up and restoring on this machine, with the randomness and cryptography of this process. */
import { randomFillSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createNobleCrypto } from '@pcloud/wireguard';
import { createAudit } from '../audit.ts';
import { CoordinatorError } from '../errors.ts';
import { openLevelStore } from '../store/index.ts';
import type { Snapshot } from './contents.ts';
import { type Restored, type RestoreOptions, restoreBackup } from './restore-backup.ts';
import { takeSnapshot } from './snapshot.ts';
import { type Backup, type BackupOptions, takeBackup } from './take-backup.ts';

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

/** @throws CoordinatorError as `takeBackup` */
export function backUp(snapshot: Snapshot, options: BackupOptions): Backup {
  return takeBackup(snapshot, options, { crypto: createNobleCrypto(), random });
}

/** @throws CoordinatorError, StoreError as `restoreBackup` */
export function restore(text: string, options: RestoreOptions): Promise<Restored> {
  return restoreBackup(text, options, { crypto: createNobleCrypto(), random });
}
