/** What a backup holds, and how it is packed. */
import { gunzipSync, gzipSync } from 'node:zlib';
import * as v from 'valibot';
import { CoordinatorError } from '../errors.ts';

/** The whole store at one revision: keys and values, base64. */
export interface Snapshot {
  readonly revision: number;
  readonly entries: readonly (readonly [key: string, value: string])[];
}

/** Secret keys by what they are, base64. */
export interface BackupKeys {
  readonly channel: string;
  /** The network's root, where it was on the server's disk still. */
  readonly root?: string | undefined;
  /** Of the server as a device, where it is one: it keeps its address. */
  readonly machine?: string | undefined;
  readonly node?: string | undefined;
}

export interface BackupContents {
  /** As text. */
  readonly networkId: string;
  /** Wall clock, milliseconds. */
  readonly madeAtMs: number;
  /** When the recovery kit was taken, wall clock milliseconds. */
  readonly kitTakenAtMs?: number | undefined;
  readonly keys: BackupKeys;
  readonly snapshot: Snapshot;
}

const key = v.pipe(v.string(), v.length(44));
const contents: v.GenericSchema<unknown, BackupContents> = v.object({
  networkId: v.string(),
  madeAtMs: v.number(),
  kitTakenAtMs: v.optional(v.number()),
  keys: v.object({ channel: key, root: v.optional(key), machine: v.optional(key), node: v.optional(key) }),
  snapshot: v.object({
    revision: v.number(),
    entries: v.array(v.pipe(v.tuple([v.string(), v.string()]), v.readonly())),
  }),
});

/** A store at its limits is less; what claims to be more is none. */
const MAX_BYTES = 512 * 1024 * 1024;

export function packContents(value: BackupContents): Uint8Array {
  return gzipSync(JSON.stringify(value));
}

/** @throws CoordinatorError BACKUP_INVALID */
export function unpackContents(bytes: Uint8Array): BackupContents {
  try {
    return v.parse(contents, JSON.parse(gunzipSync(bytes, { maxOutputLength: MAX_BYTES }).toString('utf8')));
  } catch (cause) {
    throw new CoordinatorError('BACKUP_INVALID', 'backup: it does not hold what one of a network holds', { cause });
  }
}
