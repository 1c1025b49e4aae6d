/** What became of the recovery kit, beside the root in the state directory. Nothing in it is secret. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { CoordinatorError } from '../errors.ts';
import { replacePrivateFile } from '../private-file.ts';

export interface RecoveryRecord {
  /** Whose kit it is, as text. */
  readonly networkId: string;
  /** When it was given out last, wall clock milliseconds. */
  readonly takenAtMs?: number | undefined;
  /** When somebody proved to have it; from then on the root has no business here. */
  readonly confirmedAtMs?: number | undefined;
}

const schema: v.GenericSchema<unknown, RecoveryRecord> = v.object({
  networkId: v.string(),
  takenAtMs: v.optional(v.number()),
  confirmedAtMs: v.optional(v.number()),
});

const FILE = 'recovery.json';

/** @throws CoordinatorError STATE_MISMATCH when the file is no record */
export function readRecoveryRecord(stateDir: string): RecoveryRecord | undefined {
  const path = join(stateDir, FILE);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return v.parse(schema, JSON.parse(text));
  } catch (cause) {
    throw new CoordinatorError('STATE_MISMATCH', `"${path}": not a record of a recovery kit; remove it`, { cause });
  }
}

export function writeRecoveryRecord(stateDir: string, record: RecoveryRecord): void {
  replacePrivateFile(join(stateDir, FILE), `${JSON.stringify(record)}\n`);
}
