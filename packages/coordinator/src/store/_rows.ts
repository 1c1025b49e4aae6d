/**
 * How a store is laid out in one ordered table of rows, told apart by their first byte:
 *
 *     d <key>           revision, lease, value      what callers see
 *     c <revision>      puts of that commit         the change log, for `watch`
 *     k <lease> <key>   nothing                     keys under a lease
 *     l <lease>         time to live
 *     m r               revision of the last commit
 *     m c               the last revision that the change log has no more
 *
 * Numbers are eight bytes, big-endian, so that rows of one kind lie in the order of their numbers.
 */
import { concatBytes, copyBytes } from './_bytes.ts';

export type Row = readonly [key: Uint8Array, value: Uint8Array];

export interface DataRow {
  readonly revision: number;
  /** 0 for none. */
  readonly lease: number;
  readonly value: Uint8Array;
}

export const REVISION_ROW: Uint8Array = Uint8Array.of(0x6d, 0x72);
export const COMPACTED_ROW: Uint8Array = Uint8Array.of(0x6d, 0x63);

const DATA_HEADER_BYTES = 16;
const NUMBER_BYTES = 8;

export const rowOfKey = (key: Uint8Array): Uint8Array => concatBytes(Uint8Array.of(0x64), key);
export const keyOfRow = (row: Uint8Array): Uint8Array => copyBytes(row.subarray(1));

export const CHANGE_ROWS: Uint8Array = Uint8Array.of(0x63);
export const rowOfChange = (revision: number): Uint8Array => concatBytes(CHANGE_ROWS, encodeNumber(revision));
export const revisionOfRow = (row: Uint8Array): number | undefined => decodeNumber(row.subarray(1));

export const LEASE_ROWS: Uint8Array = Uint8Array.of(0x6c);
export const rowOfLease = (lease: number): Uint8Array => concatBytes(LEASE_ROWS, encodeNumber(lease));
export const leaseOfRow = (row: Uint8Array): number | undefined => decodeNumber(row.subarray(1));

export const rowsOfLeasedKeys = (lease: number): Uint8Array => concatBytes(Uint8Array.of(0x6b), encodeNumber(lease));
export const rowOfLeasedKey = (lease: number, key: Uint8Array): Uint8Array => concatBytes(rowsOfLeasedKeys(lease), key);
export const keyOfLeasedRow = (row: Uint8Array): Uint8Array => copyBytes(row.subarray(1 + NUMBER_BYTES));

export function encodeData(data: DataRow): Uint8Array {
  return concatBytes(encodeNumber(data.revision), encodeNumber(data.lease), data.value);
}

/** The row as `encodeData` made it, or undefined. The value is a copy. */
export function parseData(bytes: Uint8Array): DataRow | undefined {
  const revision = decodeNumber(bytes.subarray(0, NUMBER_BYTES));
  const lease = decodeNumber(bytes.subarray(NUMBER_BYTES, DATA_HEADER_BYTES));
  if (revision === undefined || lease === undefined) return undefined;
  return { revision, lease, value: copyBytes(bytes.subarray(DATA_HEADER_BYTES)) };
}

export function encodeNumber(value: number): Uint8Array {
  const bytes = new Uint8Array(NUMBER_BYTES);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

/** Undefined for other than eight bytes, or more than a number can hold. */
export function decodeNumber(bytes: Uint8Array): number | undefined {
  if (bytes.length !== NUMBER_BYTES) return undefined;
  const value = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0));
  return Number.isSafeInteger(value) ? value : undefined;
}
