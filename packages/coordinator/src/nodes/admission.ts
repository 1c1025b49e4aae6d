import type { StoreCompare, StorePut } from '../store/index.ts';

/** On whose word a machine comes in, and what the commit must hold and put for it: a token is burned by success only. */
export interface Admission {
  readonly userId: string;
  readonly tags: readonly string[];
  readonly ephemeral: boolean;
  /** The id of the node on which that word was given. */
  readonly addedOn?: string | undefined;
  readonly isServer?: boolean | undefined;
  /** A place that was chosen for it; the first free one otherwise. */
  readonly index?: number | undefined;
  readonly compare: readonly StoreCompare[];
  readonly put: readonly StorePut[];
}
