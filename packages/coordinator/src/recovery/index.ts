/** The network's root, and how it leaves the server. */
export { formatKitFile, formatKitPage, type RecoveryKit } from './kit.ts';
export { confirmKit, type RecoveryStatus, recoveryStatus, takeKit } from './recovery.ts';
export { startReminder } from './reminder.ts';
export { isRootHere } from './root-key.ts';
export { formatWords } from './words.ts';
