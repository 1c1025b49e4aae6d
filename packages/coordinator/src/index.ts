/**
 * The service that nodes join: accounts, tokens, addresses, maps.
 * @module
 */

export { backUp, restore, snapshotAtRest } from './backup/here.ts';
export { type Backup, isSealed, type Restored, type Snapshot } from './backup/index.ts';
export { type CoordinatorOptions, type RunningCoordinator, startCoordinator } from './coordinator.ts';
export { CoordinatorError, type CoordinatorErrorCode } from './errors.ts';
export type { CoordinatorFigures, CoordinatorHealth } from './figures.ts';
export { askCoordinator, COORDINATOR_SOCKET, type TlsOptions } from './http/index.ts';
export { readCertificateFiles } from './http/tls/certificate-files.ts';
export type { LogFields, Logger } from './log.ts';
export {
  confirmKit,
  formatKitFile,
  formatKitPage,
  formatWords,
  type RecoveryKit,
  type RecoveryStatus,
  recoveryStatus,
  takeKit,
} from './recovery/index.ts';
export type { Histogram, StoreFigures } from './store/index.ts';
export { StoreError, type StoreErrorCode } from './store/index.ts';
export type { NewToken } from './tokens/index.ts';
