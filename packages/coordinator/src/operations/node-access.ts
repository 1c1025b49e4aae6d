/** Which nodes an actor may know of, and which change. */
import { isAtLeast, readAuthority } from '../accounts/index.ts';
import { CoordinatorError } from '../errors.ts';
import type { MapSource } from '../maps/map-source.ts';
import type { OnWordOf } from '../nodes/change.ts';
import type { NodeRecord } from '../nodes/node-record.ts';
import type { Registry } from '../nodes/registry.ts';
import type { Store } from '../store/index.ts';
import type { Actor } from './operation.ts';

export interface NodeAccess {
  /** Whether an actor may know of a node: members of their own, and of those that their devices may see. */
  knows(actor: Actor): (node: NodeRecord) => boolean;
  /** A node by name, id or address. @throws CoordinatorError NODE_UNKNOWN, also for one that the actor may not know of */
  find(actor: Actor, wanted: string): NodeRecord;
  /**
   * One's own, or anybody's for an admin; as it is at this moment, and not as it was when they signed in.
   * @throws CoordinatorError FORBIDDEN
   */
  checkMayChange(actor: Actor, node: NodeRecord): Promise<OnWordOf>;
}

export interface NodeAccessDeps {
  readonly store: Store;
  readonly registry: Registry;
  readonly maps: Pick<MapSource, 'isSeenByUser' | 'nodeAt'>;
  readonly network: { readonly domain: string };
}

export function createNodeAccess({ store, registry, maps, network }: NodeAccessDeps): NodeAccess {
  function knows(actor: Actor): (node: NodeRecord) => boolean {
    if (actor.kind === 'root' || isAtLeast(actor.role, 'admin')) return () => true;
    const name = registry.userName(actor.userId);
    return (node) => node.userId === actor.userId || maps.isSeenByUser(name, node.id);
  }

  return {
    knows,

    find(actor, wanted) {
      const label = wanted.toLowerCase().replace(new RegExp(`\\.${network.domain}\\.?$`), '');
      const found = registry.nodes.get(registry.names.get(label) ?? maps.nodeAt(wanted) ?? wanted);
      if (found && knows(actor)(found)) return found;
      throw new CoordinatorError('NODE_UNKNOWN', `node: there is none called "${wanted}"`);
    },

    async checkMayChange(actor, node) {
      const { role, userId, compare } = await readAuthority(actor, store);
      if (isAtLeast(role, 'admin') || (node.userId !== '' && node.userId === userId)) return compare;
      throw new CoordinatorError('FORBIDDEN', `node "${node.name}" belongs to somebody else`);
    },
  };
}
