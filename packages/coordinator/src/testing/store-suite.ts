import { commitBehaviours } from './_store-commits.ts';
import { leaseBehaviours } from './_store-leases.ts';
import { readBehaviours } from './_store-reads.ts';
import { watchBehaviours } from './_store-watches.ts';
import type { StoreBehaviour } from './store-harness.ts';

/**
 * What a `Store` is: run each against every implementation.
 *
 *     for (const { name, run } of storeBehaviours) test(name, () => run(harness));
 */
export const storeBehaviours: readonly StoreBehaviour[] = [
  ...commitBehaviours,
  ...readBehaviours,
  ...watchBehaviours,
  ...leaseBehaviours,
];
