import { userPaths } from '../accounts/index.ts';
import { below, type Store } from '../store/index.ts';
import { MAX_OPERATIONS } from '../store/store.ts';

/** Where the secrets are that were given away: whoever has the backup, or had them since, gets in by none of them. */
const GIVEN = ['sessions', 'invitations', 'tokens', 'approvals'] as const;

/** Ends all sessions, invitations, join tokens and requests for approval. @returns how many */
export async function voidSecrets(store: Store): Promise<number> {
  let count = 0;
  for (const prefix of [...GIVEN.map((path) => below(path)), userPaths.ownerLink]) {
    for (;;) {
      const { entries } = await store.list(prefix, { limit: MAX_OPERATIONS });
      if (entries.length === 0) break;
      await store.commit({ compare: [], put: entries.map(({ key }) => ({ key, value: undefined })) });
      count += entries.length;
    }
  }
  return count;
}
