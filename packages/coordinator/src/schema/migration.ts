import type { Store, StoreCommit } from '../store/index.ts';

/**
 * How a store of one version becomes one of the next. Only its switch is seen by anybody: until that, what it put is
 * where the version before does not look, so that an interrupted one leaves a store that both can open.
 */
export interface Migration {
  /** The version of the store afterwards: that before and one. */
  readonly to: number;
  /** For the log. */
  readonly does: string;
  /**
   * Puts what is new, in as many commits as it takes. It may have been interrupted at any of them, and the version
   * before may have gone on meanwhile: what it finds of itself it puts right, or takes away first.
   */
  prepare?(store: Store): Promise<void>;
  /** What is put by the commit that makes the store one of the version. */
  switch?(store: Store): Promise<StoreCommit>;
  /** Takes away what nobody looks at any more, in as many commits as it takes; it may have been interrupted, too. */
  clean?(store: Store): Promise<void>;
}

/** Of every version that was released, in order. */
export const MIGRATIONS: readonly Migration[] = [];

/** Of stores from before they had a number. */
export const FIRST_VERSION = 1;
