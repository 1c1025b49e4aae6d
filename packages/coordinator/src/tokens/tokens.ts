import { checkExpiry, createGivenSecrets } from '../accounts/given-secrets.ts';
import { type Authority, mayManage, readAuthority, userPaths, userRecord } from '../accounts/index.ts';
import { isAtLeast } from '../accounts/role-rules.ts';
import { newId, newSecret, type Random } from '../accounts/secret.ts';
import type { Audit } from '../audit.ts';
import { CoordinatorError } from '../errors.ts';
import type { Admission } from '../nodes/admission.ts';
import type { Actor, Role } from '../operations/operation.ts';
import { decideAndCommit } from '../store/decide.ts';
import { encodeRecord, readRecord, type Store, type StorePut } from '../store/index.ts';
import { normalizeTags } from './tags.ts';
import { infoOf, type TokenInfo, type TokenRecord, tokenRecord } from './token-record.ts';

export type { TokenInfo } from './token-record.ts';

export interface NewToken {
  /** Default: who asks. */
  readonly userId?: string;
  /** A node with tags has no user. For admins and owners. */
  readonly tags?: readonly string[];
  /** Default false: for one node. */
  readonly reusable?: boolean;
  /** Its nodes go away by themselves. Default false. */
  readonly ephemeral?: boolean;
  /** Default an hour; at most 90 days. */
  readonly expiresInMs?: number;
  /** Its node becomes a server. For owners. Default false. */
  readonly isServer?: boolean;
  /** The place in the prefixes that its node gets. For admins and owners, and for one node. */
  readonly index?: number;
}

export type TokenRefusal = 'TOKEN_UNKNOWN' | 'TOKEN_EXPIRED' | 'TOKEN_USED' | 'USER_DISABLED';

/** Secrets that let machines in. */
export interface Tokens {
  /**
   * @returns the secret, 160 random bits, which is shown nowhere again
   * @throws CoordinatorError FORBIDDEN, INPUT_INVALID, USER_UNKNOWN, USER_DISABLED
   */
  create(actor: Actor, token: NewToken): Promise<{ readonly secret: string; readonly token: TokenInfo }>;
  redeem(secret: string, source?: string): Promise<Admission | { readonly refusal: TokenRefusal }>;
  /** Those that still let somebody in: one's own, and for admins those of whom they may manage. */
  list(actor: Actor): Promise<TokenInfo[]>;
  /** @throws CoordinatorError TOKEN_UNKNOWN, also for one that the actor may not see */
  revoke(actor: Actor, id: string): Promise<void>;
  /** Ends those made on a node. @returns how many */
  endOfNode(nodeId: string): Promise<number>;
}

export interface TokensDeps {
  readonly store: Store;
  /** Wall clock of the server, milliseconds: it alone decides what has expired. */
  readonly now: () => number;
  readonly random: Random;
  readonly audit: Audit;
}

const DEFAULT_EXPIRY_MS = 3_600_000;
/** So long after its end a token is still known, and its late user told what is wrong with it. */
const REMEMBERED_MS = 7 * 86_400_000;

export function createTokens({ store, now, random, audit }: TokensDeps): Tokens {
  const given = createGivenSecrets<TokenRecord>(
    { path: 'tokens', noun: 'token', kind: 'join-token', schema: tokenRecord, unknown: 'TOKEN_UNKNOWN', maySee },
    { store, now, audit },
  );

  async function readUser(id: string) {
    const entry = await store.get(userPaths.user(id));
    return entry && { entry, user: readRecord(userRecord, entry) };
  }

  /** The user whom the token's nodes will act for, who must be there and no higher than who asks. */
  async function checkUser(userId: string, authority: Authority) {
    const isOwn = userId === authority.userId;
    if (!isOwn && !isAtLeast(authority.role, 'admin')) {
      throw new CoordinatorError('FORBIDDEN', 'only an admin or an owner may invite devices for others');
    }
    const known = await readUser(userId);
    if (!known) throw new CoordinatorError('USER_UNKNOWN', `user: there is none with the id "${userId}"`);
    if (!isOwn && !mayManage(authority.role, known.user.role)) {
      throw new CoordinatorError('FORBIDDEN', `an ${authority.role} may not invite devices for an ${known.user.role}`);
    }
    if (known.user.disabled) throw new CoordinatorError('USER_DISABLED', `user "${known.user.name}" is disabled`);
    return { key: known.entry.key, revision: known.entry.revision };
  }

  async function maySee(authority: Authority, record: TokenRecord): Promise<boolean> {
    if (authority.userId !== undefined && record.userId === authority.userId) return true;
    if (record.createdBy === (authority.userId ?? '')) return true;
    const known = await readUser(record.userId || record.createdBy);
    return mayManage(authority.role, known?.user.role ?? (record.userId || record.createdBy ? 'member' : 'owner'));
  }

  return {
    async create(
      actor,
      {
        userId,
        tags: wished = [],
        reusable = false,
        ephemeral = false,
        expiresInMs = DEFAULT_EXPIRY_MS,
        isServer = false,
        index,
      },
    ) {
      checkExpiry(expiresInMs);
      const tags = normalizeTags(wished);
      if (tags.length > 0 && userId !== undefined) {
        throw new CoordinatorError('INPUT_INVALID', 'a node belongs to its tags or to a user, not to both');
      }
      if (index !== undefined && reusable) {
        throw new CoordinatorError('INPUT_INVALID', 'address: a reusable link cannot give one address to many nodes');
      }
      await given.collect((record) => now() >= (record.usedAtMs ?? record.expiresAtMs) + REMEMBERED_MS);
      const secret = newSecret(160, random);
      const { record } = await decideAndCommit(store, async () => {
        const authority = await readAuthority(actor, store);
        const least = leastToGive({ tags, index, isServer });
        if (!isAtLeast(authority.role, least)) {
          const what = isServer ? 'let in a server' : tags.length > 0 ? 'give tags' : 'choose an address';
          const who = least === 'owner' ? 'an owner' : 'an admin or an owner';
          throw new CoordinatorError('FORBIDDEN', `only ${who} may ${what}`);
        }
        const owner = tags.length > 0 ? '' : (userId ?? authority.userId ?? '');
        const compare = [...authority.compare];
        if (owner !== '') compare.push(await checkUser(owner, authority));
        const record: TokenRecord = {
          id: newId(random),
          userId: owner,
          tags,
          reusable,
          ephemeral,
          ...(isServer && { isServer }),
          ...(index !== undefined && { index }),
          createdBy: authority.userId ?? '',
          createdAtMs: now(),
          expiresAtMs: now() + expiresInMs,
          ...(actor.kind === 'user' && actor.nodeId !== undefined && { nodeId: actor.nodeId }),
        };
        const detail = { userId: owner, tags: tags.join(' '), reusable, ephemeral, expiresAtMs: record.expiresAtMs };
        const event = audit.put({ actor, action: 'tokens.create', subject: `token:${record.id}`, detail });
        return { record, compare, put: [{ key: given.keyOf(secret), value: encodeRecord(record) }, event] };
      });
      return { secret, token: infoOf(record) };
    },

    async redeem(secret, source) {
      const entry = await store.get(given.keyOf(secret));
      if (!entry) return { refusal: 'TOKEN_UNKNOWN' };
      const record = readRecord(tokenRecord, entry);
      if (record.usedAtMs !== undefined) return { refusal: 'TOKEN_USED' };
      if (now() >= record.expiresAtMs) return { refusal: 'TOKEN_EXPIRED' };
      const compare = [{ key: entry.key, revision: entry.revision }];
      // Who gave it must still be there to answer for it, and so must who will own the node.
      const roles = new Map<string, Role>();
      for (const userId of new Set([record.userId, record.createdBy])) {
        if (userId === '') continue;
        const known = await readUser(userId);
        if (!known) return { refusal: 'TOKEN_UNKNOWN' };
        if (known.user.disabled) return { refusal: 'USER_DISABLED' };
        roles.set(userId, known.user.role);
        compare.push({ key: known.entry.key, revision: known.entry.revision });
      }
      const isForSelf = record.userId === record.createdBy;
      const giver = record.createdBy === '' ? 'owner' : roles.get(record.createdBy)!;
      if (!isForSelf && !mayManage(giver, roles.get(record.userId) ?? 'member')) return { refusal: 'TOKEN_UNKNOWN' };
      if (!isAtLeast(giver, leastToGive(record))) return { refusal: 'TOKEN_UNKNOWN' };
      const event = audit.put({ actor: 'nobody', action: 'tokens.redeem', subject: `token:${record.id}`, source });
      const put: StorePut[] = [event];
      if (!record.reusable) put.push({ key: entry.key, value: encodeRecord({ ...record, usedAtMs: now() }) });
      const { tags, ephemeral, isServer, index, nodeId: addedOn } = record;
      return { userId: record.userId, addedOn, tags, ephemeral, isServer, index, compare, put };
    },

    list: async (actor) => (await given.listOpen(actor)).map(infoOf),
    revoke: given.revoke,
    endOfNode: given.endOfNode,
  };
}

/** Who may give such a token, and must be that still when it is redeemed. */
function leastToGive({ tags, index, isServer }: Pick<TokenRecord, 'tags' | 'index' | 'isServer'>): Role {
  if (isServer) return 'owner';
  return tags.length > 0 || index !== undefined ? 'admin' : 'member';
}
