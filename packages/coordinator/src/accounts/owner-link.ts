import * as v from 'valibot';
import type { Audit } from '../audit.ts';
import { CoordinatorError } from '../errors.ts';
import type { Actor } from '../operations/operation.ts';
import { decideAndCommit } from '../store/decide.ts';
import { encodeRecord, readRecord, type Store, type StoreCommit } from '../store/index.ts';
import type { Registration } from './invitations.ts';
import { hasOwner } from './owners.ts';
import type { PasswordHasher } from './password-hash.ts';
import { hashSecret, newSecret, type Random } from './secret.ts';
import { type UserRecord, userPaths } from './user-record.ts';
import type { Users } from './users.ts';

/** The link with which the first owner makes an account. There is none any more once there is an owner. */
export interface OwnerLink {
  /**
   * A new secret for it; the one before is void. Only its hash is kept, so every start that has to print it
   * issues it.
   * @throws CoordinatorError OWNER_EXISTS
   */
  issue(actor?: Actor): Promise<string>;
  /** @throws CoordinatorError INVITATION_UNKNOWN, INVITATION_EXPIRED, OWNER_EXISTS */
  look(secret: string): Promise<void>;
  /**
   * @param besides what the same commit holds and puts for the new user
   * @throws CoordinatorError as `look`, and NAME_INVALID, NAME_TAKEN, PASSWORD_WEAK
   */
  redeem(
    secret: string,
    registration: Registration,
    besides?: (user: UserRecord) => Promise<StoreCommit>,
  ): Promise<UserRecord>;
}

export interface OwnerLinkDeps {
  readonly store: Store;
  /** Wall clock, milliseconds. */
  readonly now: () => number;
  readonly random: Random;
  readonly audit: Audit;
  readonly hasher: PasswordHasher;
  readonly users: Users;
}

const EXPIRY_MS = 7 * 86_400_000;

const linkRecord: v.GenericSchema<unknown, { readonly hash: string; readonly expiresAtMs: number }> = v.object({
  hash: v.string(),
  expiresAtMs: v.number(),
});

export function createOwnerLink({ store, now, random, audit, hasher, users }: OwnerLinkDeps): OwnerLink {
  async function checkNoOwner(): Promise<void> {
    if (!(await hasOwner(store))) return;
    throw new CoordinatorError('OWNER_EXISTS', 'there is an owner already; owners invite others');
  }

  async function readLink(secret: string) {
    await checkNoOwner();
    const entry = await store.get(userPaths.ownerLink);
    const link = entry && readRecord(linkRecord, entry);
    if (!entry || link?.hash !== hashSecret('owner-link', secret)) {
      throw new CoordinatorError(
        'INVITATION_UNKNOWN',
        'this link is not, or no more, the one to make the first account',
      );
    }
    if (now() >= link.expiresAtMs) {
      throw new CoordinatorError('INVITATION_EXPIRED', 'this link has expired; restart the coordinator for a new one');
    }
    return entry;
  }

  return {
    async issue(actor = { kind: 'root' }) {
      await checkNoOwner();
      const secret = newSecret(160, random);
      const value = encodeRecord({ hash: hashSecret('owner-link', secret), expiresAtMs: now() + EXPIRY_MS });
      const event = audit.put({ actor, action: 'owner-link.create' });
      await store.commit({ compare: [], put: [{ key: userPaths.ownerLink, value }, event] });
      return secret;
    },

    async look(secret) {
      await readLink(secret);
    },

    async redeem(secret, { name, password, source }, besides) {
      await readLink(secret);
      const hash = await hasher.hash(password);
      const { user } = await decideAndCommit(store, async () => {
        const { key, revision } = await readLink(secret);
        const parts = await users.prepare({ name, role: 'owner', password: hash });
        const event = { actor: 'nobody' as const, action: 'users.first-owner', subject: `user:${parts.user.id}` };
        const detail = { name: parts.user.name };
        const more = await besides?.(parts.user);
        return {
          user: parts.user,
          compare: [...parts.compare, { key, revision }, ...(more?.compare ?? [])],
          put: [...parts.put, { key, value: undefined }, audit.put({ ...event, detail, source }), ...(more?.put ?? [])],
        };
      });
      return user;
    },
  };
}
