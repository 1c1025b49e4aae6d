import { CoordinatorError } from '../errors.ts';
import { encodeRecord, readRecord, type Store, type StoreCommit } from '../store/index.ts';
import { ownersRecord, type UserRecord, userPaths } from './user-record.ts';

/** Whether there is an owner who is not disabled. */
export async function hasOwner(store: Store): Promise<boolean> {
  return (await readOwners(store)).ids.length > 0;
}

/**
 * What a commit must hold and put besides, when one user becomes another.
 * @param before undefined for one who is to be made, `after` for one who is to be deleted
 * @throws CoordinatorError LAST_OWNER
 */
export async function ownersChange(
  store: Store,
  before: UserRecord | undefined,
  after: UserRecord | undefined,
): Promise<StoreCommit> {
  if (counts(before) === counts(after)) return { compare: [], put: [] };
  const { ids, revision } = await readOwners(store);
  const others = ids.filter((id) => id !== (before ?? after)!.id);
  if (!counts(after) && others.length === 0) {
    throw new CoordinatorError('LAST_OWNER', 'this is the last owner; make somebody else an owner first');
  }
  return {
    compare: [{ key: userPaths.owners, revision }],
    put: [{ key: userPaths.owners, value: encodeRecord({ ids: counts(after) ? [...others, after!.id] : others }) }],
  };
}

function counts(user: UserRecord | undefined): boolean {
  return user !== undefined && user.role === 'owner' && !user.disabled;
}

async function readOwners(store: Store): Promise<{ ids: readonly string[]; revision: number }> {
  const entry = await store.get(userPaths.owners);
  return entry ? { ids: readRecord(ownersRecord, entry).ids, revision: entry.revision } : { ids: [], revision: 0 };
}
