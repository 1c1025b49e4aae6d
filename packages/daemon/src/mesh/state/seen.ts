import { join } from 'node:path';
import type { MapVersion } from '@pcloud/netmap';
import * as v from 'valibot';
import { corruptFile, parseJson, readStateFile, removeStateFile, writeStateFile } from './state-file.ts';

/** The newest map there was. It is kept apart from the map, so that it holds when the map is lost. */
export interface Seen {
  readonly version: MapVersion;
  /** Notes a newer one, on disk when it returns. Older ones change nothing. @throws DaemonError STATE_FAILED */
  note(version: MapVersion): void;
  /** Of a network that this device left. */
  remove(): void;
}

const NONE: MapVersion = { epoch: 0, revision: 0 };
const counter = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const schema = v.object({ epoch: counter, revision: counter });

/** Whether `a` comes before `b`. */
export function isOlder(a: MapVersion, b: MapVersion): boolean {
  return a.epoch < b.epoch || (a.epoch === b.epoch && a.revision < b.revision);
}

/**
 * The version in `seen.json`.
 * @throws DaemonError STATE_CORRUPT, STATE_FAILED
 */
export function openSeen(stateDir: string): Seen {
  const path = join(stateDir, 'seen.json');
  const text = readStateFile(path);
  let version = NONE;
  if (text !== undefined) {
    const read = v.safeParse(schema, parseJson(text));
    if (!read.success) throw corruptFile(path, 'remove it if the coordinator was not put back to an older state since');
    version = read.output;
  }
  return {
    get version() {
      return version;
    },
    note({ epoch, revision }) {
      const next = { epoch, revision };
      if (!isOlder(version, next)) return;
      // In force even where the disk is full.
      version = next;
      writeStateFile(path, `${JSON.stringify(next)}\n`);
    },
    remove() {
      removeStateFile(path);
      version = NONE;
    },
  };
}
