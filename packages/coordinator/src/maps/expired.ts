import type { NodeRecord } from '../nodes/node-record.ts';
import { OPEN_RIGHTS, type Rights } from './rights.ts';

/** The class of nodes whose key has expired. No policy has a class of this name: theirs are JSON. */
const EXPIRED = 'expired';

/**
 * Rights under which nodes whose key has expired see nobody, and are seen by nobody: they keep their channel alone.
 * @returns the same object for the same rights
 */
export function createExpiredOut(nodes: ReadonlyMap<string, Pick<NodeRecord, 'expired'>>): (rights: Rights) => Rights {
  const made = new WeakMap<Rights, Rights>();
  return (rights) => {
    let without = made.get(rights);
    if (without === undefined) {
      without = exclude(rights, (nodeId) => nodes.get(nodeId)?.expired === true);
      made.set(rights, without);
    }
    return without;
  };
}

function exclude(rights: Rights, isExpired: (nodeId: string) => boolean): Rights {
  return {
    classOf: (node) => (isExpired(node.id) ? EXPIRED : rights.classOf(node)),
    sees: (a, b) => a !== EXPIRED && b !== EXPIRED && rights.sees(a, b),
    userOf: (name) => (name === EXPIRED ? '' : rights.userOf(name)),
    groupOf: (name) => (name === EXPIRED ? EXPIRED : rights.groupOf(name)),
    groupsSee: (a, b) => a !== EXPIRED && b !== EXPIRED && rights.groupsSee(a, b),
    filterFor(name) {
      if (name !== EXPIRED) return rights.filterFor(name);
      // A filter that came could not be taken away again but by a whole map.
      return rights === OPEN_RIGHTS ? undefined : NOTHING;
    },
  };
}

const NOTHING: readonly [] = [];
