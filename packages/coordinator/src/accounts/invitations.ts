import * as v from 'valibot';
import type { Audit } from '../audit.ts';
import { CoordinatorError } from '../errors.ts';
import type { Actor, Role } from '../operations/operation.ts';
import { decideAndCommit } from '../store/decide.ts';
import { encodeRecord, readRecord, type Store } from '../store/index.ts';
import { type Authority, readAuthority } from './authority.ts';
import { checkExpiry, createGivenSecrets } from './given-secrets.ts';
import type { PasswordHasher } from './password-hash.ts';
import { checkMayGrant, isAtLeast, mayManage } from './role-rules.ts';
import { newId, newSecret, type Random } from './secret.ts';
import { type UserRecord, userPaths, userRecord } from './user-record.ts';
import type { Users } from './users.ts';

/** An invitation as people see it; nothing of its secret. */
export interface InvitationInfo {
  readonly id: string;
  /** What its user will be. */
  readonly role: Role;
  /** Empty for root's. */
  readonly invitedBy: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

export interface Registration {
  readonly name: string;
  readonly password: string;
  /** The address that it comes from. */
  readonly source?: string;
}

/** Links with which somebody makes an account of their own, each once. */
export interface Invitations {
  /** @returns the secret of the link, which is shown nowhere again @throws CoordinatorError FORBIDDEN, INPUT_INVALID */
  create(
    actor: Actor,
    invitation: { readonly role: Role; readonly expiresInMs?: number },
  ): Promise<{ readonly secret: string; readonly invitation: InvitationInfo }>;
  /**
   * Makes the account; the invitation is used up by success only.
   * @param secret left out where registration is open to all: the user is a member then
   * @throws CoordinatorError INVITATION_UNKNOWN, INVITATION_USED, INVITATION_EXPIRED, REGISTRATION_CLOSED,
   * NAME_INVALID, NAME_TAKEN, PASSWORD_WEAK
   */
  register(secret: string | undefined, registration: Registration): Promise<UserRecord>;
  /** What a form shows before it is filled in. @throws CoordinatorError as `register` */
  look(secret: string): Promise<InvitationInfo>;
  /** Those still open: one's own, and those of whom one may manage. @throws CoordinatorError FORBIDDEN */
  list(actor: Actor): Promise<InvitationInfo[]>;
  /** @throws CoordinatorError INVITATION_UNKNOWN, also for one that the actor may not see */
  revoke(actor: Actor, id: string): Promise<void>;
  /** Ends those made on a node. @returns how many */
  endOfNode(nodeId: string): Promise<number>;
}

export interface InvitationsDeps {
  readonly store: Store;
  /** Wall clock, milliseconds. */
  readonly now: () => number;
  readonly random: Random;
  readonly audit: Audit;
  readonly hasher: PasswordHasher;
  readonly users: Users;
  /** Whether anybody may register. */
  readonly openRegistration: boolean;
}

const DEFAULT_EXPIRY_MS = 7 * 86_400_000;

interface InvitationRecord extends InvitationInfo {
  readonly nodeId?: string | undefined;
  readonly usedAtMs?: number | undefined;
}

const invitationRecord: v.GenericSchema<unknown, InvitationRecord> = v.object({
  id: v.string(),
  role: v.picklist(['owner', 'admin', 'member']),
  invitedBy: v.string(),
  createdAtMs: v.number(),
  expiresAtMs: v.number(),
  nodeId: v.optional(v.string()),
  usedAtMs: v.optional(v.number()),
});

export function createInvitations(deps: InvitationsDeps): Invitations {
  const { store, now, random, audit, hasher, users } = deps;
  const given = createGivenSecrets<InvitationRecord>(
    {
      path: 'invitations',
      noun: 'invitation',
      kind: 'invitation',
      schema: invitationRecord,
      unknown: 'INVITATION_UNKNOWN',
      maySee,
    },
    deps,
  );

  /** An invitation that still holds: so does the word of who gave it. */
  async function readOpen(secret: string) {
    const entry = await store.get(given.keyOf(secret));
    if (!entry) throw new CoordinatorError('INVITATION_UNKNOWN', 'this invitation is unknown or was taken back');
    const record = readRecord(invitationRecord, entry);
    if (record.usedAtMs !== undefined)
      throw new CoordinatorError('INVITATION_USED', 'this invitation was used already');
    if (now() >= record.expiresAtMs) throw new CoordinatorError('INVITATION_EXPIRED', 'this invitation has expired');
    const compare = [{ key: entry.key, revision: entry.revision }];
    if (record.invitedBy !== '') {
      const inviter = await store.get(userPaths.user(record.invitedBy));
      const user = inviter && readRecord(userRecord, inviter);
      if (!inviter || !user || user.disabled || !isAtLeast(user.role, record.role) || user.role === 'member') {
        throw new CoordinatorError('INVITATION_UNKNOWN', 'who gave this invitation may not invite any more');
      }
      compare.push({ key: inviter.key, revision: inviter.revision });
    }
    return { entry, record, compare };
  }

  async function maySee(authority: Authority, record: InvitationRecord): Promise<boolean> {
    if (record.invitedBy === (authority.userId ?? '')) return true;
    if (record.invitedBy === '') return isAtLeast(authority.role, 'owner');
    const entry = await store.get(userPaths.user(record.invitedBy));
    return mayManage(authority.role, entry ? readRecord(userRecord, entry).role : 'member');
  }

  return {
    async create(actor, { role, expiresInMs = DEFAULT_EXPIRY_MS }) {
      checkExpiry(expiresInMs);
      await given.collect(({ expiresAtMs }) => now() >= expiresAtMs);
      const secret = newSecret(160, random);
      const { record } = await decideAndCommit(store, async () => {
        const authority = await readAuthority(actor, store);
        checkMayGrant(authority.role, role);
        const record: InvitationRecord = {
          id: newId(random),
          role,
          invitedBy: authority.userId ?? '',
          createdAtMs: now(),
          expiresAtMs: now() + expiresInMs,
          ...(actor.kind === 'user' && actor.nodeId !== undefined && { nodeId: actor.nodeId }),
        };
        const event = { actor, action: 'invitations.create', subject: `invitation:${record.id}`, detail: { role } };
        const put = [{ key: given.keyOf(secret), value: encodeRecord(record) }, audit.put(event)];
        return { record, compare: authority.compare, put };
      });
      return { secret, invitation: infoOf(record) };
    },

    async register(secret, { name, password, source }) {
      if (secret === undefined && !deps.openRegistration) {
        throw new CoordinatorError('REGISTRATION_CLOSED', 'an account needs an invitation; ask an owner or an admin');
      }
      if (secret !== undefined) await readOpen(secret);
      const hash = await hasher.hash(password);
      const { user } = await decideAndCommit(store, async () => {
        const open = secret === undefined ? undefined : await readOpen(secret);
        const role = open?.record.role ?? 'member';
        const parts = await users.prepare({ name, role, password: hash, addedOn: open?.record.nodeId });
        const event = { actor: 'nobody' as const, action: 'users.register', subject: `user:${parts.user.id}` };
        const detail = { name: parts.user.name, role, invitation: open?.record.id ?? '' };
        const put = [...parts.put, audit.put({ ...event, detail, source })];
        if (open) put.push({ key: open.entry.key, value: encodeRecord({ ...open.record, usedAtMs: now() }) });
        return { user: parts.user, compare: [...parts.compare, ...(open?.compare ?? [])], put };
      });
      return user;
    },

    look: async (secret) => infoOf((await readOpen(secret)).record),

    list: async (actor) => (await given.listOpen(actor)).map(infoOf),
    revoke: given.revoke,
    endOfNode: given.endOfNode,
  };
}

function infoOf({ nodeId: _, usedAtMs: __, ...info }: InvitationRecord): InvitationInfo {
  return info;
}
