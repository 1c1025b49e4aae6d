import { CoordinatorError } from '../errors.ts';
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

/** @throws CoordinatorError UNAUTHENTICATED for a user who is no more, USER_DISABLED */
export async function readAuthority(actor: Actor, store: Store): Promise<Authority> {
  if (actor.kind === 'root') return { role: 'owner', userId: undefined, compare: [] };
  const entry = await store.get(userPaths.user(actor.userId));
  if (!entry) throw new CoordinatorError('UNAUTHENTICATED', 'this account is no more');
  const { role, disabled } = readRecord(userRecord, entry);
  if (disabled) throw new CoordinatorError('USER_DISABLED', 'this account is disabled');
  return { role, userId: actor.userId, compare: [{ key: entry.key, revision: entry.revision }] };
}
