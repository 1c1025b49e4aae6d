/**
 * What other rights change for nodes: worked out for the groups that nodes were and are of, and only among a user's
 * own for their classes. The nodes of both tables are the same.
 */
import { entryHash, type FilterRule, type MapNode } from '@pcloud/netmap';
import type { ClassTable } from './class-table.ts';

export interface ViewChange {
  /** Nodes that are seen now and were not, or the other way round. */
  readonly nodeIds: ReadonlySet<string>;
  readonly isFilterChanged: boolean;
}

/** Nodes that were of one group, or class, and are of one. */
interface Cell {
  readonly was: string;
  readonly is: string;
  readonly nodeIds: string[];
}

interface GroupCell extends Cell {
  /** Nodes that its own see now and did not, or the other way round. */
  changed?: ReadonlySet<string>;
}

interface ClassCell extends Cell {
  readonly group: GroupCell;
  readonly user: string;
  change?: ViewChange;
}

/** @returns what has become of the view of a node that both tables have */
export function createViewChanges(
  before: ClassTable,
  after: ClassTable,
  faces: Iterable<MapNode>,
): (nodeId: string) => ViewChange {
  const groups = new Map<string, GroupCell>();
  const classes = new Map<string, ClassCell>();
  const classesOfUser = new Map<string, ClassCell[]>();
  const cellOfNode = new Map<string, ClassCell>();

  function addClass(key: string, was: string, is: string, user: string): ClassCell {
    const [groupWas, groupIs] = [before.rights.groupOf(was), after.rights.groupOf(is)];
    const groupKey = `${groupWas}\n${groupIs}`;
    const group = groups.get(groupKey) ?? { was: groupWas, is: groupIs, nodeIds: [] };
    groups.set(groupKey, group);
    const made = { was, is, nodeIds: [], group, user };
    classes.set(key, made);
    if (user !== '') classesOfUser.set(user, [...(classesOfUser.get(user) ?? []), made]);
    return made;
  }

  for (const { id, user } of faces) {
    const [was, is] = [before.classOf(id)!, after.classOf(id)!];
    // Without a policy all are of one class, whoever their users are.
    const key = `${was}\n${is}\n${user}`;
    const cell = classes.get(key) ?? addClass(key, was, is, user);
    cell.nodeIds.push(id);
    cell.group.nodeIds.push(id);
    cellOfNode.set(id, cell);
  }

  function isChangedByGroup(a: GroupCell, b: GroupCell): boolean {
    return before.rights.groupsSee(a.was, b.was) !== after.rights.groupsSee(a.is, b.is);
  }

  function changedByGroup(group: GroupCell): ReadonlySet<string> {
    const others = [...groups.values()].filter((other) => isChangedByGroup(group, other));
    return new Set(others.flatMap(({ nodeIds }) => nodeIds));
  }

  function isChanged(a: ClassCell, b: ClassCell): boolean {
    return before.rights.sees(a.was, b.was) !== after.rights.sees(a.is, b.is);
  }

  function changeOf(cell: ClassCell): ViewChange {
    cell.group.changed ??= changedByGroup(cell.group);
    const own = (classesOfUser.get(cell.user) ?? []).filter(
      (other) => isChanged(cell, other) !== isChangedByGroup(cell.group, other.group),
    );
    return {
      nodeIds: own.length === 0 ? cell.group.changed : differing(cell.group.changed, own),
      isFilterChanged: !isSameFilter(before.filterFor(cell.was), after.filterFor(cell.is)),
    };
  }

  return (nodeId) => {
    const cell = cellOfNode.get(nodeId)!;
    cell.change ??= changeOf(cell);
    return cell.change;
  };
}

/** The set, but that the nodes of these cells are in it if they were not, and the other way round. */
function differing(ids: ReadonlySet<string>, cells: readonly Cell[]): Set<string> {
  const result = new Set(ids);
  for (const { nodeIds } of cells) for (const id of nodeIds) if (!result.delete(id)) result.add(id);
  return result;
}

export function isSameFilter(a: readonly FilterRule[] | undefined, b: readonly FilterRule[] | undefined): boolean {
  if (a === b || a === undefined || b === undefined) return a === b;
  const other = entryHash('filter', b);
  return entryHash('filter', a).every((byte, index) => byte === other[index]);
}
