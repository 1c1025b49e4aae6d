/** What other rights change for nodes: worked out once for all nodes that were of one class, and are of one now. */
import { entryHash, type FilterRule } from '@pcloud/netmap';
import type { ClassTable } from './class-table.ts';

export interface ViewChange {
  /** Nodes that are seen now and were not, or the other way round. */
  readonly nodeIds: ReadonlySet<string>;
  readonly isFilterChanged: boolean;
}

/** @returns what has become of the view of nodes of class `was` that are of class `is` now */
export function createViewChanges(before: ClassTable, after: ClassTable): (was: string, is: string) => ViewChange {
  const known = new Map<string, ViewChange>();
  return (was, is) => {
    const key = `${was}\n${is}`;
    let change = known.get(key);
    if (change === undefined) {
      change = {
        nodeIds: difference(seenBy(before, was), seenBy(after, is)),
        isFilterChanged: !isSameFilter(before.filterFor(was), after.filterFor(is)),
      };
      known.set(key, change);
    }
    return change;
  };
}

function seenBy(table: ClassTable, className: string): Set<string> {
  const ids = new Set<string>();
  for (const name of table.visibleTo(className)) for (const { id } of table.members(name)) ids.add(id);
  return ids;
}

/** Those in one of the two only. */
function difference(a: ReadonlySet<string>, b: Set<string>): Set<string> {
  const result = new Set<string>();
  for (const id of a) if (!b.delete(id)) result.add(id);
  for (const id of b) result.add(id);
  return result;
}

export function isSameFilter(a: readonly FilterRule[] | undefined, b: readonly FilterRule[] | undefined): boolean {
  if (a === b || a === undefined || b === undefined) return a === b;
  const other = entryHash('filter', b);
  return entryHash('filter', a).every((byte, index) => byte === other[index]);
}
