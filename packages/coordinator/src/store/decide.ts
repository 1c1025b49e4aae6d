import { CoordinatorError } from '../errors.ts';
import type { CommitResult, Store, StoreCommit } from './store.ts';

/** Every failed attempt means that somebody else's commit went through. */
const MAX_ATTEMPTS = 100;

/**
 * Commits what was decided on what is compared; when that changed meanwhile, decides anew.
 * @param decide reads, compares what it read, and throws what stands against it
 * @throws CoordinatorError CONFLICT when there is no end of it
 */
export async function decideAndCommit<D extends StoreCommit>(
  store: Store,
  decide: () => Promise<D>,
): Promise<D & CommitResult> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const decision = await decide();
    const result = await store.commit({ compare: decision.compare, put: decision.put });
    if (result.committed) return { ...decision, ...result };
  }
  throw new CoordinatorError('CONFLICT', 'others change the same thing all the time; try again');
}
