import { CoordinatorError } from '../errors.ts';
import { nodePaths, nodeRecord } from '../nodes/node-record.ts';
import type { Actor, Role } from '../operations/operation.ts';
import { readRecord, type Store, type StoreCompare } from '../store/index.ts';
import { userPaths, userRecord } from './user-record.ts';

/** What an actor may at this moment. */
export interface Authority {
  readonly role: Role;
  /** Undefined for root. */
  readonly userId: string | undefined;
  /** Holds as long as that is so: a commit with it cannot be made with a role that was just taken away. */
  readonly compare: readonly StoreCompare[];
}

/**
 * A device that was taken out of the network speaks for nobody, nor does a session begun on it: what it asked for at
 * its last moment is not committed after it.
 * @throws CoordinatorError UNAUTHENTICATED for a user or a device that is no more, USER_DISABLED, KEY_EXPIRED
 */
export async function readAuthority(actor: Actor, store: Store): Promise<Authority> {
  if (actor.kind === 'root') return { role: 'owner', userId: undefined, compare: [] };
  const entry = await store.get(userPaths.user(actor.userId));
  if (!entry) throw new CoordinatorError('UNAUTHENTICATED', 'this account is no more');
  const { role, disabled } = readRecord(userRecord, entry);
  if (disabled) throw new CoordinatorError('USER_DISABLED', 'this account is disabled');
  const compare = [{ key: entry.key, revision: entry.revision }];
  if (actor.nodeId !== undefined) {
    const node = await store.get(nodePaths.node(actor.nodeId));
    if (!node) throw new CoordinatorError('UNAUTHENTICATED', 'this device was taken out of the network');
    if (actor.via === 'node' && readRecord(nodeRecord, node).expired) {
      throw new CoordinatorError(
        'KEY_EXPIRED',
        'the key of this device has expired: run "pcloud nodes renew" on another one, or "pcloud login" here',
      );
    }
    compare.push({ key: node.key, revision: node.revision });
  }
  return { role, userId: actor.userId, compare };
}
