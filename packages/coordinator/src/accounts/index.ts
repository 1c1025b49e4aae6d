/** Accounts: who may sign in, and as what. */
import type { Audit } from '../audit.ts';
import type { Store } from '../store/index.ts';
import { createInvitations, type Invitations } from './invitations.ts';
import { createOwnerLink, type OwnerLink } from './owner-link.ts';
import { createPasswordHasher, type ScryptCost } from './password-hash.ts';
import { createPasswords, type Passwords } from './passwords.ts';
import type { Random } from './secret.ts';
import { createSessions, type Sessions } from './sessions.ts';
import { createUsers, type Users } from './users.ts';

export { type Authority, readAuthority } from './authority.ts';
export type { InvitationInfo, Invitations, Registration } from './invitations.ts';
export type { OwnerLink } from './owner-link.ts';
export { hasOwner } from './owners.ts';
export type { Passwords } from './passwords.ts';
export { isAtLeast, mayManage } from './role-rules.ts';
export type { NewSession, SessionInfo, Sessions } from './sessions.ts';
export { parseUserName, type UserRecord, userPaths, userRecord } from './user-record.ts';
export type { NewUser, Users } from './users.ts';

export interface Accounts {
  readonly users: Users;
  readonly passwords: Passwords;
  readonly sessions: Sessions;
  readonly invitations: Invitations;
  readonly ownerLink: OwnerLink;
}

export interface AccountsOptions {
  /** Whether anybody may register without an invitation. Default false. */
  readonly openRegistration?: boolean;
  /** Default: `SCRYPT_COST`. */
  readonly scryptCost?: ScryptCost;
}

export interface AccountsDeps {
  readonly store: Store;
  /** Wall clock of the server, milliseconds: it alone decides what has expired. */
  readonly now: () => number;
  readonly random: Random;
  readonly audit: Audit;
}

export function createAccounts(options: AccountsOptions, deps: AccountsDeps): Accounts {
  const hasher = createPasswordHasher(deps.random, options.scryptCost);
  const users = createUsers({ ...deps, hasher });
  const { openRegistration = false } = options;
  return {
    users,
    passwords: createPasswords({ ...deps, hasher, users }),
    sessions: createSessions({ ...deps, users }),
    invitations: createInvitations({ ...deps, hasher, users, openRegistration }),
    ownerLink: createOwnerLink({ ...deps, hasher, users }),
  };
}
