import { entryHash, type FilterRule, type MapNode, xorInto } from '@pcloud/netmap';
import type { Rights } from './rights.ts';

/** Nodes by class, who of them sees whom, and the hash of all that one of them sees. */
export interface ClassTable {
  readonly rights: Rights;
  /** Undefined where there is no such node. */
  classOf(nodeId: string): string | undefined;
  /** Classes that have nodes. */
  classes(): Iterable<string>;
  members(className: string): Iterable<MapNode>;
  /** Classes whose nodes those of this one see; and the other way round. */
  visibleTo(className: string): ReadonlySet<string>;
  put(face: MapNode): void;
  remove(nodeId: string): void;
  /** Hash of the entries of all nodes that a node sees, itself not among them. */
  hashFor(nodeId: string): Uint8Array;
  filterFor(className: string): readonly FilterRule[] | undefined;
}

interface NodeClass {
  readonly members: Map<string, MapNode>;
  /** XOR of the members' entries. */
  readonly hash: Uint8Array;
}

export function createClassTable(rights: Rights): ClassTable {
  const classes = new Map<string, NodeClass>();
  const classOfNode = new Map<string, string>();
  /** Worked out when it is asked for, and kept current as classes come and go. */
  const visible = new Map<string, Set<string>>();

  function addClass(name: string): NodeClass {
    const made = { members: new Map<string, MapNode>(), hash: new Uint8Array(32) };
    classes.set(name, made);
    for (const [viewer, seen] of visible) if (rights.sees(viewer, name)) seen.add(name);
    return made;
  }

  function visibleTo(className: string): ReadonlySet<string> {
    let seen = visible.get(className);
    if (seen === undefined) {
      seen = new Set([...classes.keys()].filter((other) => rights.sees(className, other)));
      // A class without nodes is soon forgotten.
      if (classes.has(className)) visible.set(className, seen);
    }
    return seen;
  }

  function remove(nodeId: string): void {
    const name = classOfNode.get(nodeId);
    const found = name === undefined ? undefined : classes.get(name);
    if (name === undefined || found === undefined) return;
    xorInto(found.hash, entryHash('node', found.members.get(nodeId)!));
    found.members.delete(nodeId);
    classOfNode.delete(nodeId);
    if (found.members.size > 0) return;
    classes.delete(name);
    visible.delete(name);
    for (const seen of visible.values()) seen.delete(name);
  }

  return {
    rights,
    classOf: (nodeId) => classOfNode.get(nodeId),
    classes: () => classes.keys(),
    members: (className) => classes.get(className)?.members.values() ?? [],
    visibleTo,
    remove,
    put(face) {
      remove(face.id);
      const name = rights.classOf({ ...face, routes: [] });
      const found = classes.get(name) ?? addClass(name);
      found.members.set(face.id, face);
      xorInto(found.hash, entryHash('node', face));
      classOfNode.set(face.id, name);
    },
    hashFor(nodeId) {
      const result = new Uint8Array(32);
      const own = classOfNode.get(nodeId)!;
      for (const name of visibleTo(own)) xorInto(result, classes.get(name)!.hash);
      if (visibleTo(own).has(own)) xorInto(result, entryHash('node', classes.get(own)!.members.get(nodeId)!));
      return result;
    },
    filterFor: (className) => rights.filterFor(className),
  };
}
