import type { Prefix } from '@pcloud/ip';
import { indexOf } from '@pcloud/netmap';
import * as v from 'valibot';
import type { Users } from '../accounts/index.ts';
import type { Approvals } from '../approvals/index.ts';
import { CoordinatorError } from '../errors.ts';
import type { NewToken, Tokens } from '../tokens/index.ts';
import { define } from './define.ts';
import { id, milliseconds, nothing, text } from './inputs.ts';
import type { Actor, Operation } from './operation.ts';

export interface TokenOperationsDeps {
  readonly tokens: Tokens;
  readonly approvals: Approvals;
  readonly users: Users;
  /** The network's IPv4 prefix. */
  readonly prefix: Prefix;
  readonly joinLink: (token: string) => string;
}

const tags = v.pipe(v.array(text), v.maxLength(32));
const code = v.strictObject({ code: text, tags: v.optional(tags) });

export function tokenOperations({ tokens, approvals, users, prefix, joinLink }: TokenOperationsDeps): Operation[] {
  async function idOf(name: string): Promise<string> {
    const found = await users.find(name);
    if (found) return found.id;
    throw new CoordinatorError('USER_UNKNOWN', `user: there is none called "${name}"`);
  }

  /** Root is nobody: a device that it lets in belongs to the owner, while there is one only. */
  async function defaultUser(
    actor: Actor,
    wishedTags: readonly string[] | undefined,
    role: string | undefined,
  ): Promise<string | undefined> {
    if (actor.kind !== 'root' || wishedTags !== undefined || role === 'server') return undefined;
    const owners = (await users.list()).filter((found) => found.role === 'owner' && !found.disabled);
    return owners.length === 1 ? owners[0]!.id : undefined;
  }

  function placeOf(address: string): number {
    const index = indexOf(prefix, address);
    if (index !== undefined) return index;
    throw new CoordinatorError('ADDRESS_INVALID', `address: expected one of the network, got "${address}"`);
  }

  return [
    define({
      name: 'invites.create',
      least: 'member',
      changes: true,
      input: v.strictObject({
        user: v.optional(text),
        tags: v.optional(tags),
        reusable: v.optional(v.boolean()),
        ephemeral: v.optional(v.boolean()),
        expiresInMs: v.optional(milliseconds),
        role: v.optional(v.picklist(['server', 'client'])),
        address: v.optional(text),
      }),
      async run(actor, { user, role, address, ...rest }) {
        const owner = user === undefined ? await defaultUser(actor, rest.tags, role) : await idOf(user);
        const wish = {
          ...rest,
          ...(owner !== undefined && { userId: owner }),
          ...(role === 'server' && { isServer: true }),
          ...(address !== undefined && { index: placeOf(address) }),
        };
        const { secret, token } = await tokens.create(actor, wish as NewToken);
        return { ...token, link: joinLink(secret) };
      },
    }),
    define({
      name: 'tokens.list',
      least: 'member',
      changes: false,
      input: nothing,
      run: (actor) => tokens.list(actor),
    }),
    define({
      name: 'tokens.revoke',
      least: 'member',
      changes: true,
      input: id,
      async run(actor, input) {
        await tokens.revoke(actor, input.id);
        return { revoked: input.id };
      },
    }),
    define({
      name: 'approvals.look',
      least: 'member',
      changes: false,
      input: v.strictObject({ code: text }),
      run: (actor, input) => approvals.look(actor, input.code),
    }),
    define({
      name: 'approvals.approve',
      least: 'member',
      changes: true,
      input: code,
      run: (actor, input) => approvals.approve(actor, input.code, input.tags === undefined ? {} : { tags: input.tags }),
    }),
    define({
      name: 'approvals.deny',
      least: 'member',
      changes: true,
      input: v.strictObject({ code: text }),
      run: (actor, input) => approvals.deny(actor, input.code),
    }),
  ];
}
