import * as v from 'valibot';
import type { Accounts, UserRecord } from '../accounts/index.ts';
import { CoordinatorError } from '../errors.ts';
import { define } from './define.ts';
import { id, milliseconds, nothing, role, text } from './inputs.ts';
import type { Operation } from './operation.ts';

export interface UserOperationsDeps {
  readonly accounts: Accounts;
  /** A page of the console, for links. */
  readonly pageUrl: (path: string) => string;
  /** The user's devices may not be connected any more. */
  readonly disconnectUser: (userId: string) => void;
}

const user = v.strictObject({ user: text });

export function userOperations({ accounts, pageUrl, disconnectUser }: UserOperationsDeps): Operation[] {
  const { users, invitations, sessions, ownerLink } = accounts;

  async function find(name: string): Promise<UserRecord> {
    const found = await users.find(name);
    if (found) return found;
    throw new CoordinatorError('USER_UNKNOWN', `user: there is none called "${name}"`);
  }

  return [
    define({
      name: 'users.list',
      least: 'member',
      changes: false,
      input: nothing,
      run: async () => (await users.list()).map(faceOf),
    }),
    define({
      name: 'users.add',
      least: 'admin',
      changes: true,
      input: v.strictObject({ name: text, role, password: v.pipe(v.string(), v.maxLength(1_000)) }),
      run: async (actor, input) => faceOf(await users.create(actor, input)),
    }),
    define({
      name: 'users.set-role',
      least: 'admin',
      changes: true,
      input: v.strictObject({ user: text, role }),
      run: async (actor, input) => faceOf(await users.setRole(actor, (await find(input.user)).id, input.role)),
    }),
    define({
      name: 'users.disable',
      least: 'admin',
      changes: true,
      input: user,
      async run(actor, input) {
        const disabled = await users.setDisabled(actor, (await find(input.user)).id, true);
        disconnectUser(disabled.id);
        return faceOf(disabled);
      },
    }),
    define({
      name: 'users.enable',
      least: 'admin',
      changes: true,
      input: user,
      run: async (actor, input) => faceOf(await users.setDisabled(actor, (await find(input.user)).id, false)),
    }),
    define({
      name: 'users.remove',
      least: 'admin',
      changes: true,
      input: user,
      async run(actor, input) {
        const found = await find(input.user);
        await users.remove(actor, found.id);
        disconnectUser(found.id);
        return { removed: found.name };
      },
    }),
    define({
      name: 'invitations.create',
      least: 'admin',
      changes: true,
      input: v.strictObject({ role: v.optional(role, 'member'), expiresInMs: v.optional(milliseconds) }),
      async run(actor, { role, expiresInMs }) {
        const expiry = expiresInMs === undefined ? {} : { expiresInMs };
        const { secret, invitation } = await invitations.create(actor, { role, ...expiry });
        return { ...invitation, url: pageUrl(`/register/${secret}`) };
      },
    }),
    define({
      name: 'invitations.list',
      least: 'admin',
      changes: false,
      input: nothing,
      run: (actor) => invitations.list(actor),
    }),
    define({
      name: 'invitations.revoke',
      least: 'admin',
      changes: true,
      input: id,
      async run(actor, input) {
        await invitations.revoke(actor, input.id);
        return { revoked: input.id };
      },
    }),
    define({
      name: 'owner-link.create',
      least: 'owner',
      changes: true,
      input: nothing,
      run: async (actor) => ({ url: pageUrl(`/setup/${await ownerLink.issue(actor)}`) }),
    }),
    define({
      name: 'sessions.list',
      least: 'member',
      changes: false,
      input: v.strictObject({ user: v.optional(text) }),
      async run(actor, input) {
        if (input.user === undefined && actor.kind === 'root') {
          throw new CoordinatorError('INPUT_INVALID', 'user: expected a name');
        }
        const userId = input.user === undefined && actor.kind === 'user' ? actor.userId : (await find(input.user!)).id;
        return sessions.list(actor, userId);
      },
    }),
    define({
      name: 'sessions.revoke',
      least: 'member',
      changes: true,
      input: id,
      async run(actor, input) {
        await sessions.revoke(actor, input.id);
        return { revoked: input.id };
      },
    }),
  ];
}

function faceOf({ generation: _, ...face }: UserRecord): Omit<UserRecord, 'generation'> {
  return face;
}
