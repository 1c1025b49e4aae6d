/** Which version of its layout a store has, under `schema`. Every version reads these fields. */
import * as v from 'valibot';
import { CoordinatorError } from '../errors.ts';
import { readRecord, type Store, type StoreEntry, textKey } from '../store/index.ts';
import { FIRST_VERSION } from './migration.ts';

export interface SchemaRecord {
  readonly version: number;
  /** The migration to this version was begun; the store is one of `version` still. */
  readonly migratingTo?: number | undefined;
  /** That to `version` has not taken away yet what nobody looks at. */
  readonly isUnclean?: boolean | undefined;
  /** The file with what was before the last migration. */
  readonly backup?: string | undefined;
}

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(FIRST_VERSION));
const schemaRecord: v.GenericSchema<unknown, SchemaRecord> = v.object({
  version: count,
  migratingTo: v.optional(count),
  isUnclean: v.optional(v.boolean()),
  backup: v.optional(v.string()),
});

export const schemaPath: Uint8Array = textKey('schema');

/** @param entry of `schemaPath`; undefined: from before there were numbers */
export function readSchema(entry: Pick<StoreEntry, 'key' | 'value'> | undefined): SchemaRecord {
  return entry === undefined ? { version: FIRST_VERSION } : readRecord(schemaRecord, entry);
}

/** @throws CoordinatorError STATE_NEWER */
export function checkVersion({ version, backup }: SchemaRecord, newest: number, what: string): void {
  if (version <= newest) return;
  const way = backup === undefined ? '' : `, or move it away and put "${backup}" back with "pcloud admin restore"`;
  throw new CoordinatorError(
    'STATE_NEWER',
    `${what}: it is of a newer pcloud (version ${version}, this one knows ${newest}); update pcloud${way}`,
  );
}

/** Whether a store has nothing in it at all. */
export async function isEmpty(store: Store): Promise<boolean> {
  return (await store.list(new Uint8Array(0), { limit: 1 })).entries.length === 0;
}
