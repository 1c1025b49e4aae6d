import * as v from 'valibot';
import type { Audit } from '../audit.ts';
import { type Snapshot, takeSnapshot } from '../backup/index.ts';
import { CoordinatorError } from '../errors.ts';
import type { Store } from '../store/index.ts';
import { define } from './define.ts';
import { nothing } from './inputs.ts';
import type { Actor, Operation } from './operation.ts';

export interface BackupOperationsDeps {
  readonly store: Store;
  readonly audit: Audit;
}

export const RECOVERY_ACTIONS = ['recovery.take', 'recovery.confirm'] as const;

export function backupOperations(deps: BackupOperationsDeps): Operation[] {
  return [
    define({
      name: 'backup.create',
      least: 'owner',
      changes: true,
      input: nothing,
      async run(actor): Promise<Snapshot> {
        // It holds the hashes of everybody's passwords, and no key: those are on the disk, which root alone reads.
        checkIsRoot(actor, 'backup.create');
        return takeSnapshot(actor, deps);
      },
    }),
    define({
      // What root does on the files of the server, beside the coordinator.
      name: 'recovery.note',
      least: 'owner',
      changes: true,
      input: v.strictObject({ action: v.picklist(RECOVERY_ACTIONS) }),
      async run(actor, { action }) {
        checkIsRoot(actor, 'recovery.note');
        await deps.audit.append({ actor, action });
        return { noted: action };
      },
    }),
  ];
}

function checkIsRoot({ kind }: Actor, name: string): void {
  if (kind !== 'root') throw new CoordinatorError('FORBIDDEN', `${name}: only root on the server may do this`);
}
