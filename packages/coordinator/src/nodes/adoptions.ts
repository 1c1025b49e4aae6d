/** Devices that belong to nobody, and how one becomes a user's own. */
import { isAtLeast, readAuthority, type UserRecord, userPaths, userRecord } from '../accounts/index.ts';
import type { Audit } from '../audit.ts';
import { CoordinatorError } from '../errors.ts';
import type { Actor } from '../operations/operation.ts';
import { decideAndCommit } from '../store/decide.ts';
import { encodeRecord, readRecord, type Store, type StoreCommit } from '../store/index.ts';
import { type NodeRecord, nodePaths, nodeRecord } from './node-record.ts';

export interface Adoptions {
  /**
   * A device becomes that of a user who is made by the same commit, as parts of it.
   * @returns nothing to commit when the device belongs to somebody, or to the network
   */
  prepare(nodeId: string, user: UserRecord): Promise<StoreCommit>;
  /**
   * Gives a device that belongs to nobody to a user; one that is the user's stays.
   * @returns the revision
   * @throws CoordinatorError FORBIDDEN, NODE_UNKNOWN, NODE_OWNED, USER_UNKNOWN, USER_DISABLED
   */
  adopt(actor: Actor, nodeId: string, userId: string): Promise<number>;
}

export interface AdoptionsDeps {
  readonly store: Store;
  readonly audit: Audit;
}

/** Whether a device is one that somebody can own: servers are the network's, and tagged ones their tags'. */
export function isOwnable({ role, tags }: Pick<NodeRecord, 'role' | 'tags'>): boolean {
  return role === 'client' && tags.length === 0;
}

type StoredNode = NodeRecord & { readonly revision: number };

const NOTHING: StoreCommit = { compare: [], put: [] };

export function createAdoptions({ store, audit }: AdoptionsDeps): Adoptions {
  async function read(nodeId: string): Promise<StoredNode | undefined> {
    const entry = await store.get(nodePaths.node(nodeId));
    return entry && { ...readRecord(nodeRecord, entry), revision: entry.revision };
  }

  /** The user who has a device; a user who is no more has nothing. */
  async function ownerOf({ userId }: NodeRecord): Promise<UserRecord | undefined> {
    const entry = userId === '' ? undefined : await store.get(userPaths.user(userId));
    return entry && readRecord(userRecord, entry);
  }

  function change({ revision, ...node }: StoredNode, userId: string, actor: Actor): StoreCommit {
    const before = node.userId === '' ? [] : [{ key: userPaths.user(node.userId), revision: 0 }];
    const detail = { name: node.name, user: userId };
    return {
      compare: [{ key: nodePaths.node(node.id), revision }, ...before],
      put: [
        { key: nodePaths.node(node.id), value: encodeRecord({ ...node, userId }) },
        audit.put({ actor, action: 'nodes.adopt', subject: `node:${node.id}`, detail }),
      ],
    };
  }

  return {
    async prepare(nodeId, { id: userId, role }) {
      const node = await read(nodeId);
      if (!node || !isOwnable(node) || (await ownerOf(node)) !== undefined) return NOTHING;
      return change(node, userId, { kind: 'user', userId, role, via: 'session', nodeId });
    },

    async adopt(actor, nodeId, userId) {
      const { revision } = await decideAndCommit(store, async () => {
        const authority = await readAuthority(actor, store);
        if (!isAtLeast(authority.role, 'owner')) {
          throw new CoordinatorError('FORBIDDEN', 'only an owner may give devices away');
        }
        const entry = await store.get(userPaths.user(userId));
        if (entry === undefined)
          throw new CoordinatorError('USER_UNKNOWN', `user: there is none with the id "${userId}"`);
        const user = readRecord(userRecord, entry);
        if (user.disabled) throw new CoordinatorError('USER_DISABLED', `user "${user.name}" is disabled`);
        const node = await read(nodeId);
        if (!node) throw new CoordinatorError('NODE_UNKNOWN', `node: there is none with the id "${nodeId}"`);
        if (!isOwnable(node)) {
          throw new CoordinatorError('NODE_OWNED', `node "${node.name}" belongs to the network, and to no user`);
        }
        const owner = await ownerOf(node);
        if (owner?.id === userId) return NOTHING;
        if (owner !== undefined) {
          throw new CoordinatorError('NODE_OWNED', `node "${node.name}" belongs to ${owner.name} already`);
        }
        const { compare, put } = change(node, userId, actor);
        return { compare: [...authority.compare, { key: entry.key, revision: entry.revision }, ...compare], put };
      });
      return revision;
    },
  };
}
