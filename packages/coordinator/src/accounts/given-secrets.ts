/** What invitations and join tokens have in common: secrets given away, good until used, ended or taken back. */
import type { GenericSchema } from 'valibot';
import type { Audit } from '../audit.ts';
import { CoordinatorError, type CoordinatorErrorCode } from '../errors.ts';
import type { Actor } from '../operations/operation.ts';
import { decideAndCommit } from '../store/decide.ts';
import { below, readRecord, type Store, type StoreEntry, textKey } from '../store/index.ts';
import { type Authority, readAuthority } from './authority.ts';
import { hashSecret, type SecretKind } from './secret.ts';

export interface GivenRecord {
  readonly id: string;
  readonly expiresAtMs: number;
  /** The node it was made on. */
  readonly nodeId?: string | undefined;
  readonly usedAtMs?: number | undefined;
}

export interface Given<R> {
  readonly entry: StoreEntry;
  readonly record: R;
}

export interface GivenSecrets<R> {
  /** Where the record of a secret is in the store. */
  keyOf(secret: string): Uint8Array;
  /** Takes away those that are over by this rule. */
  collect(isOver: (record: R) => boolean): Promise<void>;
  /** Those still open that the actor may see. */
  listOpen(actor: Actor): Promise<R[]>;
  /** @throws CoordinatorError `unknown`, also for one that the actor may not see */
  revoke(actor: Actor, id: string): Promise<void>;
  /** Ends those made on a node. @returns how many */
  endOfNode(nodeId: string): Promise<number>;
}

export interface GivenSecretsOptions<R> {
  /** Of their records, and in the names of audit actions: `tokens`. */
  readonly path: string;
  /** One of them, in messages: `token`. */
  readonly noun: string;
  readonly kind: SecretKind;
  readonly schema: GenericSchema<unknown, R>;
  readonly unknown: CoordinatorErrorCode;
  readonly maySee: (authority: Authority, record: R) => Promise<boolean>;
}

export interface GivenSecretsDeps {
  readonly store: Store;
  /** Wall clock of the server, milliseconds: it alone decides what has expired. */
  readonly now: () => number;
  readonly audit: Audit;
}

const MAX_EXPIRY_MS = 90 * 86_400_000;

/** @throws CoordinatorError INPUT_INVALID */
export function checkExpiry(expiresInMs: number): void {
  if (expiresInMs > 0 && expiresInMs <= MAX_EXPIRY_MS) return;
  throw new CoordinatorError('INPUT_INVALID', `expiry: expected up to 90 days, got ${expiresInMs} ms`);
}

export function createGivenSecrets<R extends GivenRecord>(
  { path, noun, kind, schema, unknown, maySee }: GivenSecretsOptions<R>,
  { store, now, audit }: GivenSecretsDeps,
): GivenSecrets<R> {
  async function readAll(): Promise<Given<R>[]> {
    const { entries } = await store.list(below(path));
    return entries.map((entry) => ({ entry, record: readRecord(schema, entry) }));
  }

  async function remove(given: readonly Given<R>[]): Promise<void> {
    for (const { entry } of given) await store.commit({ compare: [], put: [{ key: entry.key, value: undefined }] });
  }

  return {
    keyOf: (secret) => textKey(path, hashSecret(kind, secret)),
    collect: async (isOver) => remove((await readAll()).filter(({ record }) => isOver(record))),

    async listOpen(actor) {
      const authority = await readAuthority(actor, store);
      const seen: R[] = [];
      for (const { record } of await readAll()) {
        const isOpen = record.usedAtMs === undefined && now() < record.expiresAtMs;
        if (isOpen && (await maySee(authority, record))) seen.push(record);
      }
      return seen;
    },

    async revoke(actor, id) {
      await decideAndCommit(store, async () => {
        const authority = await readAuthority(actor, store);
        const found = (await readAll()).find(({ record }) => record.id === id);
        if (!found || !(await maySee(authority, found.record))) {
          throw new CoordinatorError(unknown, `${noun}: there is none with the id "${id}"`);
        }
        const event = audit.put({ actor, action: `${path}.revoke`, subject: `${noun}:${id}` });
        return { compare: authority.compare, put: [{ key: found.entry.key, value: undefined }, event] };
      });
    },

    async endOfNode(nodeId) {
      const ended = (await readAll()).filter(({ record }) => record.nodeId === nodeId && record.usedAtMs === undefined);
      await remove(ended);
      return ended.length;
    },
  };
}
