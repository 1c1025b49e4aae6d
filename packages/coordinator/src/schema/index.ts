/** Versions of the store's layout. */
export type { Migration } from './migration.ts';
export { FIRST_VERSION, MIGRATIONS } from './migration.ts';
export { openSchema } from './open-schema.ts';
export { checkVersion, readSchema, schemaPath } from './schema-record.ts';
