/**
 * Where the coordinator's state lives: ordered bytes to bytes, with compare-and-set over many keys, a revision
 * that only grows, and a watch. `testing/store-suite.ts` is the definition; level and memory pass it, and
 * etcd fits behind it.
 */
export interface Store {
  /**
   * The revision of the last commit: 0 for an empty store. Every commit that changes something adds one;
   * deleting what is not there changes nothing.
   */
  readonly revision: number;

  /** The value under a key, or undefined. Linearizable. */
  get(key: Uint8Array): Promise<StoreEntry | undefined>;

  /** Entries whose keys begin with `prefix`, in order of their keys, all of one revision. */
  list(prefix: Uint8Array, options?: ListOptions): Promise<StoreList>;

  /**
   * Applies all puts when every comparison holds, and nothing otherwise. When it resolves with `committed`,
   * the change survives a power cut. A rejection leaves the outcome unknown: acts are idempotent by their own id.
   * @throws StoreError TOO_LARGE beyond `MAX_OPERATIONS` or `MAX_COMMIT_BYTES`, INVALID for an empty key or one
   * that is put twice, LEASE_EXPIRED, CLOSED, FAILED
   */
  commit(commit: StoreCommit): Promise<CommitResult>;

  /**
   * Every commit after `fromRevision` that changed something below `prefix`, in order, then those to come until
   * the signal. The first `next` throws what is wrong.
   * @throws StoreError COMPACTED when the store no longer has them all, or never had that revision: list again;
   * CLOSED
   */
  watch(
    fromRevision: number,
    options: { readonly prefix: Uint8Array; readonly signal: AbortSignal },
  ): AsyncIterable<StoreChange>;

  /** A lease: keys put under it are deleted once it was not renewed for `ttlMs`. */
  grantLease(ttlMs: number): Promise<StoreLease>;

  close(): Promise<void>;
}

/** Comparisons and puts of one commit, together. */
export const MAX_OPERATIONS = 128;

/** Keys and values put by one commit, together. */
export const MAX_COMMIT_BYTES: number = 1024 * 1024;

export interface ListOptions {
  readonly limit?: number | undefined;
  /** A key that begins with the prefix: the list has those behind it only. */
  readonly after?: Uint8Array | undefined;
}

export interface StoreEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** The revision of the commit that put this value. */
  readonly revision: number;
}

export interface StoreList {
  readonly entries: readonly StoreEntry[];
  readonly revision: number;
}

export interface StoreCommit {
  readonly compare: readonly StoreCompare[];
  readonly put: readonly StorePut[];
}

/** Holds when the key's value was put by that revision; 0: when there is no such key. */
export interface StoreCompare {
  readonly key: Uint8Array;
  readonly revision: number;
}

/** `value` undefined deletes the key. */
export interface StorePut {
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
  readonly lease?: StoreLease;
}

/** `revision`: of this commit, or of the store when a comparison failed. */
export type CommitResult = { readonly committed: boolean; readonly revision: number };

/** What one commit changed, within the watched prefix. */
export interface StoreChange {
  readonly revision: number;
  readonly puts: readonly { readonly key: Uint8Array; readonly value: Uint8Array | undefined }[];
}

export interface StoreLease {
  /** @throws StoreError LEASE_EXPIRED */
  renew(): Promise<void>;
  /** Deletes its keys. */
  revoke(): Promise<void>;
}

export type StoreErrorCode =
  | 'CLOSED'
  | 'COMPACTED'
  | 'CORRUPT'
  | 'FAILED'
  | 'INVALID'
  | 'LEASE_EXPIRED'
  | 'LOCKED'
  | 'TOO_LARGE';

export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What who asked is told of a store that failed; the rest is in the log. */
export function describeStoreFault(error: unknown): string {
  const isFull = error instanceof StoreError && /no space left|quota exceeded/i.test(error.message);
  return isFull
    ? 'the disk of the server is full; free some space there, and it goes on by itself'
    : 'the server could not do it now; its log says why';
}
