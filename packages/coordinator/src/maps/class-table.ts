/**
 * Nodes by class, and classes by group: most users may do the same, so that there are few groups, however many
 * users. Who sees whom and the hash of it are kept by group, and only a user's own devices are looked at one by one.
 */
import { entryHash, type FilterRule, type MapNode, xorInto } from '@pcloud/netmap';
import type { Rights } from './rights.ts';

export interface ClassTable {
  readonly rights: Rights;
  /** Undefined where there is no such node. */
  classOf(nodeId: string): string | undefined;
  /** Nodes of those groups that a group sees: the same for all of its classes. */
  seenByGroup(group: string): Iterable<MapNode>;
  /** What nodes of a class see beyond what its group sees: some of its own user's. */
  ownSeenBy(className: string): Iterable<MapNode>;
  /** Both together: all that nodes of a class see, and that see them. A class may have no nodes. */
  seenBy(className: string): Iterable<MapNode>;
  put(face: MapNode): void;
  remove(nodeId: string): void;
  /** Hash of the entries of all nodes that a node sees, itself not among them. */
  hashFor(nodeId: string): Uint8Array;
  filterFor(className: string): readonly FilterRule[] | undefined;
}

interface NodeClass {
  readonly name: string;
  readonly user: string;
  readonly group: Group;
  readonly members: Map<string, MapNode>;
}

interface Group {
  readonly name: string;
  readonly classes: Set<NodeClass>;
  /** XOR of its members' entries, and of all that it sees. */
  readonly hash: Uint8Array;
  readonly seenHash: Uint8Array;
  /** Groups that it sees, and that see it; itself may be one. */
  readonly seen: Set<Group>;
}

export function createClassTable(rights: Rights): ClassTable {
  const classes = new Map<string, NodeClass>();
  const groups = new Map<string, Group>();
  const classesOfUser = new Map<string, Set<NodeClass>>();
  const classOfNode = new Map<string, NodeClass>();

  function addGroup(name: string): Group {
    const made: Group = {
      name,
      classes: new Set(),
      hash: new Uint8Array(32),
      seenHash: new Uint8Array(32),
      seen: new Set(),
    };
    groups.set(name, made);
    for (const other of groups.values()) {
      if (!rights.groupsSee(name, other.name)) continue;
      made.seen.add(other);
      other.seen.add(made);
      xorInto(made.seenHash, other.hash);
    }
    return made;
  }

  function addClass(name: string): NodeClass {
    const groupName = rights.groupOf(name);
    const group = groups.get(groupName) ?? addGroup(groupName);
    const user = rights.userOf(name);
    const made = { name, user, group, members: new Map<string, MapNode>() };
    classes.set(name, made);
    group.classes.add(made);
    const own = classesOfUser.get(user) ?? new Set();
    classesOfUser.set(user, own.add(made));
    return made;
  }

  /** One without nodes goes, and so does a group without classes. */
  function dropClass(dropped: NodeClass): void {
    const { name, user, group } = dropped;
    classes.delete(name);
    const own = classesOfUser.get(user)!;
    own.delete(dropped);
    if (own.size === 0) classesOfUser.delete(user);
    group.classes.delete(dropped);
    if (group.classes.size > 0) return;
    groups.delete(group.name);
    for (const other of group.seen) other.seen.delete(group);
  }

  /** An entry comes in, or goes. */
  function toggle({ group }: NodeClass, face: MapNode): void {
    const entry = entryHash('node', face);
    xorInto(group.hash, entry);
    for (const viewer of group.seen) xorInto(viewer.seenHash, entry);
  }

  function remove(nodeId: string): void {
    const found = classOfNode.get(nodeId);
    if (found === undefined) return;
    toggle(found, found.members.get(nodeId)!);
    found.members.delete(nodeId);
    classOfNode.delete(nodeId);
    if (found.members.size === 0) dropClass(found);
  }

  function put(face: MapNode): void {
    const name = rights.classOf({ ...face, routes: [] });
    const before = classOfNode.get(face.id);
    if (before?.name === name) toggle(before, before.members.get(face.id)!);
    else remove(face.id);
    const found = classes.get(name) ?? addClass(name);
    found.members.set(face.id, face);
    classOfNode.set(face.id, found);
    toggle(found, face);
  }

  function groupsSeenBy(name: string): Iterable<Group> {
    return groups.get(name)?.seen ?? [...groups.values()].filter((other) => rights.groupsSee(name, other.name));
  }

  function ownClassesSeenBy(className: string): NodeClass[] {
    const user = rights.userOf(className);
    const own = user === '' ? undefined : classesOfUser.get(user);
    if (own === undefined) return [];
    const group = rights.groupOf(className);
    return [...own].filter((other) => !rights.groupsSee(group, other.group.name) && rights.sees(className, other.name));
  }

  function* seenByGroup(group: string): Generator<MapNode> {
    for (const { classes } of groupsSeenBy(group)) for (const { members } of classes) yield* members.values();
  }

  function* ownSeenBy(className: string): Generator<MapNode> {
    for (const { members } of ownClassesSeenBy(className)) yield* members.values();
  }

  return {
    rights,
    classOf: (nodeId) => classOfNode.get(nodeId)?.name,
    seenByGroup,
    ownSeenBy,
    *seenBy(className) {
      yield* seenByGroup(rights.groupOf(className));
      yield* ownSeenBy(className);
    },
    put,
    remove,
    hashFor(nodeId) {
      const own = classOfNode.get(nodeId)!;
      const result = own.group.seenHash.slice();
      for (const face of ownSeenBy(own.name)) xorInto(result, entryHash('node', face));
      if (rights.sees(own.name, own.name)) xorInto(result, entryHash('node', own.members.get(nodeId)!));
      return result;
    },
    filterFor: (className) => rights.filterFor(className),
  };
}
