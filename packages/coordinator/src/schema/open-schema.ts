/** Brings a store to the version that this program knows, or says that it is of a newer one. */
import { CoordinatorError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { encodeRecord, type Store } from '../store/index.ts';
import { FIRST_VERSION, MIGRATIONS, type Migration } from './migration.ts';
import { checkVersion, isEmpty, readSchema, type SchemaRecord, schemaPath } from './schema-record.ts';

export interface SchemaDeps {
  readonly log: Pick<Logger, 'info'>;
  /** Has all that is in the store in a file before it returns. @returns the file */
  readonly backUp: (version: number) => Promise<string>;
  readonly fileExists: (path: string) => boolean;
  readonly migrations?: readonly Migration[];
}

/**
 * Only one process has the store open.
 * @throws CoordinatorError STATE_NEWER; StoreError, and what `backUp` throws: the store is as it was then
 */
export async function openSchema(
  store: Store,
  { log, backUp, fileExists, migrations = MIGRATIONS }: SchemaDeps,
): Promise<void> {
  const newest = migrations.at(-1)?.to ?? FIRST_VERSION;

  async function read(): Promise<{ record: SchemaRecord; revision: number }> {
    const entry = await store.get(schemaPath);
    return { record: readSchema(entry), revision: entry?.revision ?? 0 };
  }

  async function write(record: SchemaRecord, besides: Parameters<Store['commit']>[0] = { compare: [], put: [] }) {
    const { revision } = await read();
    const { committed } = await store.commit({
      compare: [{ key: schemaPath, revision }, ...besides.compare],
      put: [{ key: schemaPath, value: encodeRecord(record) }, ...besides.put],
    });
    if (!committed) throw new CoordinatorError('CONFLICT', 'the store was changed by another program; start again');
  }

  async function clean({ clean, to }: Migration, record: SchemaRecord): Promise<void> {
    await clean?.(store);
    await write({ version: to, backup: record.backup });
  }

  async function migrate(migration: Migration, before: SchemaRecord): Promise<void> {
    const { to, does } = migration;
    const isBegun = before.migratingTo === to && before.backup !== undefined && fileExists(before.backup);
    const backup = isBegun ? before.backup : await backUp(before.version);
    log.info({ to: String(to), does, backup }, 'the store is brought to another version');
    if (!isBegun) await write({ version: before.version, migratingTo: to, backup });
    await migration.prepare?.(store);
    const after: SchemaRecord = { version: to, isUnclean: true, backup };
    await write(after, await migration.switch?.(store));
    await clean(migration, after);
  }

  if ((await read()).revision === 0) {
    await write({ version: (await isEmpty(store)) ? newest : FIRST_VERSION });
  }
  const { record } = await read();
  checkVersion(record, newest, 'the store');
  const last = migrations.find(({ to }) => to === record.version);
  if (record.isUnclean && last) await clean(last, record);
  // A newer program began, and this one goes on: what was saved then is not what will be before the next time.
  if ((record.migratingTo ?? 0) > newest) await write({ version: record.version });
  for (const migration of migrations.filter(({ to }) => to > record.version)) {
    await migrate(migration, (await read()).record);
  }
}
