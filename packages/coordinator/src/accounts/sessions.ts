import * as v from 'valibot';
import type { Audit } from '../audit.ts';
import { CoordinatorError } from '../errors.ts';
import type { Actor, Role } from '../operations/operation.ts';
import { decideAndCommit } from '../store/decide.ts';
import { below, encodeRecord, readRecord, type Store, type StoreEntry, textKey } from '../store/index.ts';
import { readAuthority } from './authority.ts';
import { checkMayManage, mayManage } from './role-rules.ts';
import { hashSecret, newId, newSecret, type Random } from './secret.ts';
import { type UserRecord, userPaths, userRecord } from './user-record.ts';
import type { Users } from './users.ts';

/** A session as people see it; nothing of its secret. */
export interface SessionInfo {
  readonly id: string;
  readonly userId: string;
  readonly createdAtMs: number;
  /** To within five minutes. */
  readonly usedAtMs: number;
  readonly expiresAtMs: number;
  /** The address it was begun from. */
  readonly source: string;
  /** The browser, as it calls itself. */
  readonly program: string;
}

export interface NewSession {
  readonly source: string;
  readonly program: string;
  /** The node it is begun on, where that is known: it ends with it. */
  readonly nodeId?: string;
}

/** Signed in until idle for a week, 30 days at most, a new password, disabling or deletion. */
export interface Sessions {
  /** @returns the secret, which is shown nowhere again */
  begin(user: UserRecord, session: NewSession): Promise<{ readonly secret: string; readonly session: SessionInfo }>;
  /** @throws CoordinatorError SESSION_ENDED */
  check(secret: string): Promise<{ readonly actor: Actor & { kind: 'user' }; readonly session: SessionInfo }>;
  /** One's own, or those of somebody whom one may manage. @throws CoordinatorError FORBIDDEN, USER_UNKNOWN */
  list(actor: Actor, userId: string): Promise<SessionInfo[]>;
  /** @throws CoordinatorError SESSION_UNKNOWN, also for one that is not the actor's to end */
  revoke(actor: Actor, id: string): Promise<void>;
  /** Signing out. */
  end(secret: string): Promise<void>;
  /** Ends those begun on a node. @returns how many */
  endOfNode(nodeId: string): Promise<number>;
}

export interface SessionsDeps {
  readonly store: Store;
  /** Wall clock, milliseconds. */
  readonly now: () => number;
  readonly random: Random;
  readonly audit: Audit;
  readonly users: Users;
}

const IDLE_MS = 7 * 86_400_000;
const LIFETIME_MS = 30 * 86_400_000;
/** How exactly the last use is kept: not every request is worth a commit. */
const USE_MS = 300_000;
const MAX_OF_USER = 50;

interface SessionRecord extends SessionInfo {
  readonly generation: number;
  readonly nodeId?: string | undefined;
}

const sessionRecord: v.GenericSchema<unknown, SessionRecord> = v.object({
  id: v.string(),
  userId: v.string(),
  generation: v.number(),
  createdAtMs: v.number(),
  usedAtMs: v.number(),
  expiresAtMs: v.number(),
  source: v.string(),
  program: v.string(),
  nodeId: v.optional(v.string()),
});

export function createSessions({ store, now, random, audit, users }: SessionsDeps): Sessions {
  const keyOf = (secret: string): Uint8Array => textKey('sessions', hashSecret('session', secret));

  async function readAll(): Promise<{ entry: StoreEntry; session: SessionRecord }[]> {
    const { entries } = await store.list(below('sessions'));
    return entries.map((entry) => ({ entry, session: readRecord(sessionRecord, entry) }));
  }

  function isLive(session: SessionRecord, user: UserRecord | undefined): boolean {
    const inTime = now() < session.expiresAtMs && now() < session.usedAtMs + IDLE_MS;
    return inTime && user !== undefined && !user.disabled && user.generation === session.generation;
  }

  /** Takes away what has ended, and the oldest of a user who has too many. */
  async function collect(user: UserRecord): Promise<void> {
    const all = await readAll();
    const live = all.filter(({ session }) => session.userId === user.id && isLive(session, user));
    live.sort((first, second) => second.session.usedAtMs - first.session.usedAtMs);
    const kept = new Set(live.slice(0, MAX_OF_USER - 1));
    for (const each of all) {
      const isOver = each.session.userId === user.id ? !kept.has(each) : now() >= each.session.expiresAtMs;
      if (isOver) await remove(each.entry);
    }
  }

  async function remove({ key }: StoreEntry): Promise<void> {
    await store.commit({ compare: [], put: [{ key, value: undefined }] });
  }

  return {
    async begin(user, { source, program, nodeId }) {
      await collect(user);
      const secret = newSecret(256, random);
      const session: SessionRecord = {
        id: newId(random),
        userId: user.id,
        generation: user.generation,
        createdAtMs: now(),
        usedAtMs: now(),
        expiresAtMs: now() + LIFETIME_MS,
        source,
        program: program.slice(0, 200),
        ...(nodeId !== undefined && { nodeId }),
      };
      const event = { actor: actorOf(user, session), action: 'sessions.begin', subject: `session:${session.id}` };
      await store.commit({
        compare: [],
        put: [{ key: keyOf(secret), value: encodeRecord(session) }, audit.put({ ...event, detail: { source } })],
      });
      return { secret, session: infoOf(session) };
    },

    async check(secret) {
      const entry = await store.get(keyOf(secret));
      const session = entry && readRecord(sessionRecord, entry);
      const userEntry = session && (await store.get(userPaths.user(session.userId)));
      const user = userEntry && readRecord(userRecord, userEntry);
      if (!entry || !session || !user || !isLive(session, user)) {
        throw new CoordinatorError('SESSION_ENDED', 'not signed in, or not any more; sign in again');
      }
      if (now() - session.usedAtMs >= USE_MS) {
        const value = encodeRecord({ ...session, usedAtMs: now() });
        // Should it fail, the session only ends sooner.
        await store
          .commit({ compare: [{ key: entry.key, revision: entry.revision }], put: [{ key: entry.key, value }] })
          .catch(() => undefined);
      }
      return { actor: actorOf(user, session), session: infoOf(session) };
    },

    async list(actor, userId) {
      const authority = await readAuthority(actor, store);
      if (authority.userId !== userId) {
        checkMayManage(authority.role, 'member');
        checkMayManage(authority.role, (await users.get(userId)).role);
      }
      const user = await users.get(userId);
      const own = (await readAll()).filter(({ session }) => session.userId === userId && isLive(session, user));
      return own.map(({ session }) => infoOf(session));
    },

    async revoke(actor, id) {
      await decideAndCommit(store, async () => {
        const authority = await readAuthority(actor, store);
        const found = (await readAll()).find(({ session }) => session.id === id);
        const isOwn = found?.session.userId === authority.userId;
        if (!found || (!isOwn && !(await mayEnd(authority.role, found.session.userId)))) {
          throw new CoordinatorError('SESSION_UNKNOWN', `session: there is none with the id "${id}"`);
        }
        const event = audit.put({ actor, action: 'sessions.revoke', subject: `session:${id}` });
        return { compare: authority.compare, put: [{ key: found.entry.key, value: undefined }, event] };
      });
    },

    async end(secret) {
      await store.commit({ compare: [], put: [{ key: keyOf(secret), value: undefined }] });
    },

    async endOfNode(nodeId) {
      const ended = (await readAll()).filter(({ session }) => session.nodeId === nodeId);
      for (const { entry } of ended) await remove(entry);
      return ended.length;
    },
  };

  /** Of a user who is no more, whoever manages anybody may. */
  async function mayEnd(role: Role, userId: string): Promise<boolean> {
    const entry = await store.get(userPaths.user(userId));
    return mayManage(role, entry ? readRecord(userRecord, entry).role : 'member');
  }
}

function actorOf(user: UserRecord, { nodeId }: SessionRecord): Actor & { kind: 'user' } {
  return { kind: 'user', userId: user.id, role: user.role, via: 'session', ...(nodeId !== undefined && { nodeId }) };
}

function infoOf({ generation: _, nodeId: __, ...info }: SessionRecord): SessionInfo {
  return info;
}
