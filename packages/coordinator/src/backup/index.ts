/** A network in one file, and a network from one. */
export type { Snapshot } from './contents.ts';
export { isSealed, type Restored, type RestoreOptions, restoreBackup } from './restore-backup.ts';
export { takeSnapshot } from './snapshot.ts';
export { type Backup, type BackupOptions, takeBackup } from './take-backup.ts';
