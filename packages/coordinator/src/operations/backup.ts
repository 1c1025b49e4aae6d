import type { Audit } from '../audit.ts';
import { type Snapshot, takeSnapshot } from '../backup/index.ts';
import { CoordinatorError } from '../errors.ts';
import type { Store } from '../store/index.ts';
import { define } from './define.ts';
import { nothing } from './inputs.ts';
import type { Operation } from './operation.ts';

export interface BackupOperationsDeps {
  readonly store: Store;
  readonly audit: Audit;
}

export function backupOperations(deps: BackupOperationsDeps): Operation[] {
  return [
    define({
      name: 'backup.create',
      least: 'owner',
      changes: true,
      input: nothing,
      async run(actor): Promise<Snapshot> {
        // It holds the hashes of everybody's passwords, and no key: those are on the disk, which root alone reads.
        if (actor.kind !== 'root') {
          throw new CoordinatorError('FORBIDDEN', 'backup.create: only root on the server may do this');
        }
        return takeSnapshot(actor, deps);
      },
    }),
  ];
}
