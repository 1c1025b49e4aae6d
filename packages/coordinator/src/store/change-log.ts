import type { StoreChange } from './store.ts';

/** The last commits, one after the other without a gap, bounded in number and bytes. */
export interface ChangeLog {
  /** The last revision that is not here any more. */
  readonly compacted: number;
  /** @returns the revisions that had to go for it, oldest first */
  append(change: StoreChange, lengthBytes: number): readonly number[];
  /** The change of a revision; undefined for one that is compacted or to come. */
  at(revision: number): StoreChange | undefined;
}

export interface ChangeLogOptions {
  readonly maxChanges: number;
  readonly maxBytes: number;
}

export function createChangeLog(compacted: number, options: ChangeLogOptions): ChangeLog {
  const changes = new Map<number, { readonly change: StoreChange; readonly lengthBytes: number }>();
  let totalBytes = 0;
  return {
    get compacted() {
      return compacted;
    },
    append(change, lengthBytes) {
      changes.set(change.revision, { change, lengthBytes });
      totalBytes += lengthBytes;
      const dropped: number[] = [];
      while (changes.size > options.maxChanges || (totalBytes > options.maxBytes && changes.size > 1)) {
        compacted += 1;
        totalBytes -= changes.get(compacted)!.lengthBytes;
        changes.delete(compacted);
        dropped.push(compacted);
      }
      return dropped;
    },
    at: (revision) => changes.get(revision)?.change,
  };
}
