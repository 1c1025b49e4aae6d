import type { Audit, AuditEvent } from '../audit.ts';
import { CoordinatorError } from '../errors.ts';
import type { Actor, Role } from '../operations/operation.ts';
import { decideAndCommit } from '../store/decide.ts';
import { encodeRecord, readRecord, type Store, type StoreCommit, type StorePut } from '../store/index.ts';
import { readAuthority } from './authority.ts';
import { ownersChange } from './owners.ts';
import type { PasswordHasher, PasswordRecord } from './password-hash.ts';
import { checkMayGrant, checkMayManage } from './role-rules.ts';
import { newId, type Random } from './secret.ts';
import { parseUserName, type UserRecord, userPaths, userPointer, userRecord } from './user-record.ts';

export interface NewUser {
  readonly name: string;
  readonly role: Role;
  readonly password: string;
}

/** Those who own nodes. Each change is one commit together with its line in the audit log. */
export interface Users {
  /** @throws CoordinatorError USER_UNKNOWN */
  get(id: string): Promise<UserRecord>;
  find(name: string): Promise<UserRecord | undefined>;
  list(): Promise<UserRecord[]>;
  /** @throws CoordinatorError FORBIDDEN, NAME_INVALID, NAME_TAKEN, PASSWORD_WEAK */
  create(actor: Actor, user: NewUser): Promise<UserRecord>;
  /**
   * A user who is not there yet, as parts of a commit that somebody else makes.
   * @throws CoordinatorError NAME_INVALID, NAME_TAKEN
   */
  prepare(user: PreparedUser): Promise<{ readonly user: UserRecord } & StoreCommit>;
  /** @throws CoordinatorError FORBIDDEN, USER_UNKNOWN, LAST_OWNER */
  setRole(actor: Actor, id: string, role: Role): Promise<UserRecord>;
  /** Ends the user's sessions, too. @throws CoordinatorError FORBIDDEN, USER_UNKNOWN, LAST_OWNER */
  setDisabled(actor: Actor, id: string, disabled: boolean): Promise<UserRecord>;
  /** The user's nodes stay as they are. @throws CoordinatorError FORBIDDEN, USER_UNKNOWN, LAST_OWNER */
  remove(actor: Actor, id: string): Promise<void>;
}

export interface PreparedUser {
  readonly name: string;
  readonly role: Role;
  readonly password: PasswordRecord;
  /** See `UserRecord`. */
  readonly addedOn?: string | undefined;
}

export interface UsersDeps {
  readonly store: Store;
  /** Wall clock, milliseconds. */
  readonly now: () => number;
  readonly random: Random;
  readonly audit: Audit;
  readonly hasher: PasswordHasher;
}

export function createUsers({ store, now, random, audit, hasher }: UsersDeps): Users {
  async function read(id: string): Promise<{ user: UserRecord; revision: number }> {
    const entry = await store.get(userPaths.user(id));
    if (!entry) throw new CoordinatorError('USER_UNKNOWN', `user: there is none with the id "${id}"`);
    return { user: readRecord(userRecord, entry), revision: entry.revision };
  }

  async function prepare({
    name: wish,
    role,
    password,
    addedOn,
  }: PreparedUser): Promise<{ user: UserRecord } & StoreCommit> {
    const name = checkName(wish);
    if (await store.get(userPaths.name(name))) {
      throw new CoordinatorError('NAME_TAKEN', `user name: "${name}" belongs to somebody else`);
    }
    const user: UserRecord = {
      id: newId(random),
      name,
      role,
      disabled: false,
      createdAtMs: now(),
      generation: 1,
      ...(addedOn !== undefined && { addedOn }),
    };
    const owners = await ownersChange(store, undefined, user);
    return {
      user,
      compare: [{ key: userPaths.name(name), revision: 0 }, ...owners.compare],
      put: [
        { key: userPaths.user(user.id), value: encodeRecord(user) },
        { key: userPaths.name(name), value: encodeRecord({ userId: user.id }) },
        { key: userPaths.password(user.id), value: encodeRecord(password) },
        ...owners.put,
      ],
    };
  }

  /** One user becomes another, or none, on the word of an actor who may manage both. */
  async function change(
    actor: Actor,
    id: string,
    next: (user: UserRecord) => UserRecord | undefined,
    puts: (before: UserRecord) => readonly StorePut[],
    event: Pick<AuditEvent, 'action' | 'detail'>,
  ): Promise<UserRecord | undefined> {
    const { after } = await decideAndCommit(store, async () => {
      const authority = await readAuthority(actor, store);
      const { user: before, revision } = await read(id);
      checkMayManage(authority.role, before.role);
      const after = next(before);
      if (after) checkMayGrant(authority.role, after.role);
      const owners = await ownersChange(store, before, after);
      return {
        after,
        compare: [...authority.compare, { key: userPaths.user(id), revision }, ...owners.compare],
        put: [
          { key: userPaths.user(id), value: after && encodeRecord(after) },
          ...puts(before),
          ...owners.put,
          audit.put({ actor, subject: `user:${id}`, ...event, detail: { name: before.name, ...event.detail } }),
        ],
      };
    });
    return after;
  }

  return {
    get: async (id) => (await read(id)).user,

    async find(text) {
      const name = parseUserName(text);
      const pointer = name === undefined ? undefined : await store.get(userPaths.name(name));
      if (!pointer) return undefined;
      const entry = await store.get(userPaths.user(readRecord(userPointer, pointer).userId));
      return entry && readRecord(userRecord, entry);
    },

    async list() {
      const { entries } = await store.list(userPaths.users());
      return entries.map((entry) => readRecord(userRecord, entry));
    },

    async create(actor, { name, role, password }) {
      checkName(name);
      checkMayGrant((await readAuthority(actor, store)).role, role);
      const record = await hasher.hash(password);
      const { user } = await decideAndCommit(store, async () => {
        const authority = await readAuthority(actor, store);
        checkMayGrant(authority.role, role);
        const addedOn = actor.kind === 'user' ? actor.nodeId : undefined;
        const parts = await prepare({ name, role, password: record, addedOn });
        const event = {
          actor,
          action: 'users.create',
          subject: `user:${parts.user.id}`,
          detail: { name: parts.user.name, role },
        };
        return {
          user: parts.user,
          compare: [...authority.compare, ...parts.compare],
          put: [...parts.put, audit.put(event)],
        };
      });
      return user;
    },

    prepare,

    async setRole(actor, id, role) {
      const after = await change(actor, id, (user) => ({ ...user, role }), none, {
        action: 'users.role',
        detail: { role },
      });
      return after!;
    },

    async setDisabled(actor, id, disabled) {
      const next = (user: UserRecord): UserRecord => ({ ...user, disabled, generation: user.generation + 1 });
      const after = await change(actor, id, next, none, { action: disabled ? 'users.disable' : 'users.enable' });
      return after!;
    },

    async remove(actor, id) {
      const puts = (user: UserRecord): StorePut[] => [
        { key: userPaths.name(user.name), value: undefined },
        { key: userPaths.password(id), value: undefined },
      ];
      await change(actor, id, () => undefined, puts, { action: 'users.remove' });
    },
  };
}

const none = (): readonly StorePut[] => [];

function checkName(text: string): string {
  const name = parseUserName(text);
  if (name === undefined) {
    const rule = '1 to 32 of a-z, 0-9, ".", "_" and "-", beginning with a letter or digit';
    throw new CoordinatorError('NAME_INVALID', `user name: expected ${rule}, got ${JSON.stringify(text.slice(0, 40))}`);
  }
  return name;
}
