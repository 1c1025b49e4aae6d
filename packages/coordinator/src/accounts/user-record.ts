/** Users as the store keeps them. What is secret lies apart, so that who reads users cannot pass it on. */
import * as v from 'valibot';
import type { Role } from '../operations/operation.ts';
import { below, textKey } from '../store/index.ts';

/** Under `users/<id>`. */
export interface UserRecord {
  readonly id: string;
  /** Unique, of a-z, 0-9, `.`, `_` and `-`. */
  readonly name: string;
  readonly role: Role;
  readonly disabled: boolean;
  readonly createdAtMs: number;
  /** Sessions of an earlier generation have ended: a new password and a disabling begin another. */
  readonly generation: number;
  /** The id of the node on which the account, or the invitation to it, was made. */
  readonly addedOn?: string | undefined;
}

export const userRecord: v.GenericSchema<unknown, UserRecord> = v.object({
  id: v.string(),
  name: v.string(),
  role: v.picklist(['owner', 'admin', 'member']),
  disabled: v.boolean(),
  createdAtMs: v.number(),
  generation: v.number(),
  addedOn: v.optional(v.string()),
});

/** Under `usernames/<name>`. */
export const userPointer: v.GenericSchema<unknown, { readonly userId: string }> = v.object({ userId: v.string() });

/**
 * Under `owners`: the ids of owners who are not disabled. Every change of who is among them compares and puts
 * this one record, so that two at once cannot each take what they believe to be the last owner but one.
 */
export const ownersRecord: v.GenericSchema<unknown, { readonly ids: readonly string[] }> = v.object({
  ids: v.array(v.string()),
});

interface UserPaths {
  readonly owners: Uint8Array;
  readonly ownerLink: Uint8Array;
  users(): Uint8Array;
  user(id: string): Uint8Array;
  name(name: string): Uint8Array;
  password(userId: string): Uint8Array;
}

export const userPaths: UserPaths = {
  owners: textKey('owners'),
  ownerLink: textKey('ownerlink'),
  users: () => below('users'),
  user: (id) => textKey('users', id),
  name: (name) => textKey('usernames', name),
  password: (userId) => textKey('passwords', userId),
};

/** A name as it is kept, or undefined for what cannot be one. */
export function parseUserName(text: string): string | undefined {
  const name = text.trim().toLowerCase();
  return /^[a-z0-9][a-z0-9._-]{0,31}$/.test(name) ? name : undefined;
}
