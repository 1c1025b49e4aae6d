import { type Accounts, type AccountsOptions, createAccounts, type UserRecord } from '../accounts/index.ts';
import type { ScryptCost } from '../accounts/password-hash.ts';
import { type Approvals, createApprovals } from '../approvals/index.ts';
import { type Audit, createAudit } from '../audit.ts';
import { nodePaths } from '../nodes/node-record.ts';
import { createRenewal, type Renewal } from '../nodes/renewal.ts';
import type { Actor, Role } from '../operations/operation.ts';
import { createMemoryStore, encodeRecord, type Store } from '../store/index.ts';
import { createTokens, type Tokens } from '../tokens/index.ts';
import { createFakeTimers } from './fake-timers.ts';

/** Everything about who may what, in memory, with time and chance in the hand of a test. */
export interface AccountsRig extends Accounts {
  readonly store: Store;
  readonly audit: Audit;
  readonly tokens: Tokens;
  readonly renewal: Renewal;
  readonly approvals: Approvals;
  readonly root: Actor;
  /** Passes time. */
  advance(ms: number): void;
  /** Makes a user of that name and role with `PASSWORD`. */
  addUser(name: string, role: Role): Promise<UserRecord>;
  /** Puts a node of that id into the store. @returns what takes it out again */
  addDevice(nodeId: string, userId: string): Promise<() => Promise<void>>;
}

export const PASSWORD = 'a password of many words';
export const WALL_MS = 1_700_000_000_000;

/** Cheap: tests of the cost itself use the real one. */
export const SCRYPT_COST: ScryptCost = { n: 16, r: 1, p: 1 };

export function createAccountsRig(options: AccountsOptions = {}, store: Store = createMemoryStore()): AccountsRig {
  const timers = createFakeTimers();
  const startMs = timers.now();
  const now = (): number => WALL_MS + timers.now() - startMs;
  const random = createSeededRandom(1);
  const audit = createAudit({ store, now, random });
  const deps = { store, now, random, audit };
  const accounts = createAccounts({ scryptCost: SCRYPT_COST, ...options }, deps);
  const renewal = createRenewal({ ...deps, settings: () => ({}) });
  const root: Actor = { kind: 'root' };
  return {
    ...accounts,
    store,
    audit,
    tokens: createTokens(deps),
    approvals: createApprovals({ ...deps, setTimer: timers.setTimer, renewal }),
    renewal,
    root,
    advance: timers.advance,
    addUser: (name, role) => accounts.users.create(root, { name, role, password: PASSWORD }),
    async addDevice(id, userId) {
      const key = nodePaths.node(id);
      const keys = { machineKey: `machine ${id}`, nodeKey: `node ${id}` };
      const node = { id, name: id, userId, tags: [], role: 'client', ...keys, index: 1, ephemeral: false };
      await store.commit({ compare: [], put: [{ key, value: encodeRecord({ ...node, createdAtMs: now() }) }] });
      return async () => void (await store.commit({ compare: [], put: [{ key, value: undefined }] }));
    },
  };
}

/** The actor that a user is. */
export function actorOf(user: UserRecord, nodeId?: string): Actor & { kind: 'user' } {
  const via = nodeId === undefined ? 'session' : 'node';
  return { kind: 'user', userId: user.id, role: user.role, via, ...(nodeId !== undefined && { nodeId }) };
}

/** Bytes that are the same for the same seed: xorshift32. */
export function createSeededRandom(seed: number): (out: Uint8Array) => void {
  let state = seed;
  return (out) => {
    for (let at = 0; at < out.length; at++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      out[at] = state >>> 11;
    }
  };
}
