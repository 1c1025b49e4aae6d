import { copyBytes, textOf } from './_bytes.ts';
import { encodePuts, parsePuts } from './_change-codec.ts';
import {
  CHANGE_ROWS,
  COMPACTED_ROW,
  type DataRow,
  decodeNumber,
  encodeData,
  encodeNumber,
  parseData,
  REVISION_ROW,
  revisionOfRow,
  rowOfChange,
  rowOfKey,
  rowOfLeasedKey,
} from './_rows.ts';
import type { Backend, RowPut } from './backend.ts';
import { type ChangeLog, type ChangeLogOptions, createChangeLog } from './change-log.ts';
import { StoreError } from './store.ts';

/** What a store has in memory: its revision and its change log. Only one caller at a time may `apply`. */
export interface State {
  readonly revision: number;
  readonly changes: ChangeLog;
  read(key: Uint8Array): Promise<DataRow | undefined>;
  /**
   * Puts as one commit. Deletes of what is not there do not count, and a commit of nothing else is none.
   * @returns the revision afterwards
   */
  apply(puts: readonly LeasedPut[], extra?: readonly RowPut[]): Promise<number>;
}

export interface LeasedPut {
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
  /** 0 for none. */
  readonly lease: number;
}

/** The state of an empty table. */
export function emptyState(backend: Backend, options: ChangeLogOptions): State {
  return createState(backend, 0, createChangeLog(0, options));
}

/**
 * The state of a table that was written before.
 * @throws StoreError CORRUPT when the change log has a hole: LevelDB leaves out records it cannot read
 */
export async function loadState(backend: Backend, options: ChangeLogOptions): Promise<State> {
  const revision = await readNumber(backend, REVISION_ROW);
  const changes = createChangeLog(await readNumber(backend, COMPACTED_ROW), options);
  const excess: RowPut[] = [];
  let expected = changes.compacted;
  for (const [row, bytes] of await backend.scan(CHANGE_ROWS)) {
    expected += 1;
    const puts = parsePuts(bytes);
    if (revisionOfRow(row) !== expected || !puts) throw corrupt(`the change log breaks at revision ${expected}`);
    for (const dropped of changes.append({ revision: expected, puts }, bytes.length)) {
      excess.push([rowOfChange(dropped), undefined], [COMPACTED_ROW, encodeNumber(dropped)]);
    }
  }
  if (expected !== revision) throw corrupt(`the change log ends at revision ${expected}, the store at ${revision}`);
  if (excess.length > 0) await backend.write(excess);
  return createState(backend, revision, changes);
}

function createState(backend: Backend, startRevision: number, changes: ChangeLog): State {
  let revision = startRevision;

  async function read(key: Uint8Array): Promise<DataRow | undefined> {
    const bytes = await backend.get(rowOfKey(key));
    if (!bytes) return undefined;
    const data = parseData(bytes);
    if (!data) throw corrupt(`the value of key ${JSON.stringify(textOf(key))} is cut short`);
    return data;
  }

  return {
    get revision() {
      return revision;
    },
    changes,
    read,
    async apply(puts, extra = []) {
      const before = await Promise.all(puts.map((put) => read(put.key)));
      const effective = puts.filter((put, index) => put.value !== undefined || before[index]);
      const rows: RowPut[] = [...extra];
      for (const [index, put] of puts.entries()) rows.push(...rowsOfPut(put, before[index], revision + 1));
      if (effective.length === 0) {
        if (rows.length > 0) await backend.write(rows);
        return revision;
      }
      const change = {
        revision: revision + 1,
        puts: effective.map(({ key, value }) => ({ key: copyBytes(key), value: value && copyBytes(value) })),
      };
      const encoded = encodePuts(change.puts);
      rows.push([REVISION_ROW, encodeNumber(change.revision)], [rowOfChange(change.revision), encoded]);
      for (const dropped of changes.append(change, encoded.length)) {
        rows.push([rowOfChange(dropped), undefined], [COMPACTED_ROW, encodeNumber(dropped)]);
      }
      await backend.write(rows);
      revision = change.revision;
      return revision;
    },
  };
}

function rowsOfPut(put: LeasedPut, before: DataRow | undefined, revision: number): RowPut[] {
  const rows: RowPut[] = [];
  if (before && before.lease !== 0 && before.lease !== put.lease) {
    rows.push([rowOfLeasedKey(before.lease, put.key), undefined]);
  }
  if (put.value === undefined) {
    if (before) rows.push([rowOfKey(put.key), undefined]);
    return rows;
  }
  rows.push([rowOfKey(put.key), encodeData({ revision, lease: put.lease, value: put.value })]);
  if (put.lease !== 0) rows.push([rowOfLeasedKey(put.lease, put.key), new Uint8Array()]);
  return rows;
}

async function readNumber(backend: Backend, row: Uint8Array): Promise<number> {
  const bytes = await backend.get(row);
  if (!bytes) return 0;
  const value = decodeNumber(bytes);
  if (value === undefined) throw corrupt(`row ${textOf(row)} is no number`);
  return value;
}

function corrupt(what: string): StoreError {
  return new StoreError('CORRUPT', `store: ${what}`);
}
