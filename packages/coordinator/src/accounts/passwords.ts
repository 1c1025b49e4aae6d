import type { Audit } from '../audit.ts';
import { CoordinatorError } from '../errors.ts';
import type { Actor } from '../operations/operation.ts';
import { decideAndCommit } from '../store/decide.ts';
import { encodeRecord, readRecord, type Store } from '../store/index.ts';
import { readAuthority } from './authority.ts';
import { createFailureLimiter, type LimitedSubject } from './failure-limiter.ts';
import { type PasswordHasher, type PasswordRecord, passwordRecord } from './password-hash.ts';
import { checkMayManage } from './role-rules.ts';
import type { UserRecord } from './user-record.ts';
import { userPaths, userRecord } from './user-record.ts';
import type { Users } from './users.ts';

export interface Passwords {
  /**
   * The user of that name and password. An unknown name and a wrong password are one answer, after one time.
   * @param source where it comes from, for the limit of failures
   * @throws CoordinatorError CREDENTIALS_WRONG, USER_DISABLED to who knows the password, RATE_LIMITED
   */
  check(name: string, password: string, source: string): Promise<UserRecord>;
  /**
   * Sets a password and ends all sessions of its user.
   * @param current the user's own; left out by who manages others
   * @throws CoordinatorError FORBIDDEN, CREDENTIALS_WRONG, PASSWORD_WEAK, USER_UNKNOWN, RATE_LIMITED
   */
  change(actor: Actor, userId: string, next: string, current?: string): Promise<void>;
}

export interface PasswordsDeps {
  readonly store: Store;
  /** Wall clock, milliseconds. */
  readonly now: () => number;
  readonly audit: Audit;
  readonly hasher: PasswordHasher;
  readonly users: Users;
}

export function createPasswords({ store, now, audit, hasher, users }: PasswordsDeps): Passwords {
  const limiter = createFailureLimiter(now);

  async function recordOf(userId: string): Promise<PasswordRecord | undefined> {
    const entry = await store.get(userPaths.password(userId));
    return entry && readRecord(passwordRecord, entry);
  }

  /** Once the password is known, it can be kept under the parameters of today. */
  async function renew(user: UserRecord, password: string): Promise<void> {
    const entry = await store.get(userPaths.password(user.id));
    if (!entry || !hasher.isOutdated(readRecord(passwordRecord, entry))) return;
    const value = encodeRecord(await hasher.hash(password));
    const { key, revision } = entry;
    await store.commit({ compare: [{ key, revision }], put: [{ key, value }] });
  }

  return {
    async check(name, password, source) {
      const giveBack = limiter.attempt(subjectsOf(name.trim().toLowerCase().slice(0, 64), source));
      const user = await users.find(name);
      const record = user && (await recordOf(user.id));
      const fits = await hasher.verify(password, record);
      if (!user || !fits) throw new CoordinatorError('CREDENTIALS_WRONG', 'the name or the password is wrong');
      giveBack();
      if (user.disabled) throw new CoordinatorError('USER_DISABLED', 'this account is disabled; ask an owner');
      await renew(user, password);
      return user;
    },

    async change(actor, userId, next, current) {
      const isOwn = actor.kind === 'user' && actor.userId === userId;
      await mayChange();
      if (isOwn) {
        const giveBack = limiter.attempt([{ key: `own ${userId}`, burst: 5, regainMs: 60_000 }]);
        if (!(await hasher.verify(current ?? '', await recordOf(userId)))) {
          throw new CoordinatorError('CREDENTIALS_WRONG', 'the current password is wrong');
        }
        giveBack();
      }
      const record = encodeRecord(await hasher.hash(next));
      await decideAndCommit(store, async () => {
        const { compare, user, revision } = await mayChange();
        return {
          compare: [...compare, { key: userPaths.user(userId), revision }],
          put: [
            { key: userPaths.password(userId), value: record },
            { key: userPaths.user(userId), value: encodeRecord({ ...user, generation: user.generation + 1 }) },
            audit.put({ actor, action: 'users.password', subject: `user:${userId}` }),
          ],
        };
      });

      async function mayChange() {
        const authority = await readAuthority(actor, store);
        const entry = await store.get(userPaths.user(userId));
        // Who may not know who there is learns nothing from the answer.
        if (!isOwn) checkMayManage(authority.role, entry ? readRecord(userRecord, entry).role : 'member');
        if (!entry) throw new CoordinatorError('USER_UNKNOWN', `user: there is none with the id "${userId}"`);
        return { compare: authority.compare, user: readRecord(userRecord, entry), revision: entry.revision };
      }
    },
  };
}

/**
 * Ten guesses at one name from one place, forty from one place, and a hundred at one name from anywhere:
 * more than a person needs, and the last is what a stranger must spend to keep somebody out for a minute.
 */
function subjectsOf(name: string, source: string): LimitedSubject[] {
  return [
    { key: `pair ${name} ${source}`, burst: 10, regainMs: 60_000 },
    { key: `source ${source}`, burst: 40, regainMs: 15_000 },
    { key: `name ${name}`, burst: 100, regainMs: 60_000 },
  ];
}
