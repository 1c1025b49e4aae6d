/**
 * Nodes, their addresses, their users and the policy in memory, kept current by the store's watch. Maps are made of it;
 * what decides (a join, a rename) is compared again by the commit.
 */
import { createRevocationSet, type IndexUse, type Revocation, type RevocationSet } from '@pcloud/netmap';
import * as v from 'valibot';
import type { Logger } from '../log.ts';
import { type NetworkSettings, networkSettings, settingsPath } from '../network/settings.ts';
import type { Role } from '../operations/operation.ts';
import { policyPath, policyRecord } from '../policy/policy-record.ts';
import { below, lastPart, readRecord, type Store, type StoreChange, StoreError } from '../store/index.ts';
import {
  type AddressRecord,
  addressRecord,
  type NodeRecord,
  nodePaths,
  nodeRecord,
  revocationRecord,
} from './node-record.ts';

export interface Registry {
  /** Of the store, as far as it was seen. */
  readonly revision: number;
  /** By id. */
  readonly nodes: ReadonlyMap<string, NodeRecord>;
  /** Ids of nodes, by the name they have. */
  readonly names: ReadonlyMap<string, string>;
  /** Places of the prefixes that nodes have, and when those that nodes had were given back. */
  readonly indices: IndexUse;
  /** The id of the node that has a place of the prefixes. */
  nodeOf(index: number): string | undefined;
  /** By id. */
  readonly users: ReadonlyMap<string, RegisteredUser>;
  /** The name of a user; empty for none, `GONE_USER` for one who is no more. */
  userName(userId: string): string;
  /** The text of the policy; undefined while nobody has set one. */
  readonly policy: string | undefined;
  readonly settings: NetworkSettings;
  /** It only grows. */
  readonly revocations: Pick<RevocationSet, 'entries' | 'hash'>;
  /** Is told when it has. Returns what ends it. */
  subscribeRevocations(listener: () => void): () => void;
  /** Counts changes of users and policy. */
  readonly factsVersion: number;
  /** Resolves once what that revision changed is here. */
  reach(revision: number): Promise<void>;
  /** Is told of every change of nodes, users, policy and settings, in order. Returns what ends it. */
  subscribe(listener: (change: RegistryChange) => void): () => void;
  close(): void;
}

export interface RegistryChange {
  readonly revision: number;
  /** Nodes that others may now see differently. */
  readonly nodeIds: ReadonlySet<string>;
}

export interface RegisteredUser {
  readonly name: string;
  readonly role: Role;
  readonly disabled: boolean;
  /** The id of the node on which the account, or the invitation to it, was made. */
  readonly addedOn?: string | undefined;
}

export interface RegistryDeps {
  readonly store: Store;
  readonly log: Logger;
  /** Resolves after so many milliseconds, or when the signal says so. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

/**
 * Whose a device is when its user was removed. No user can be called so: it is not free for all as one that never
 * had a user, and takes no part until somebody adopts it.
 */
export const GONE_USER = '(removed)';

const EVERYTHING = new Uint8Array(0);
const RETRY_MS = 500;

/** What is read of a user's record here. */
const registeredUser: v.GenericSchema<unknown, RegisteredUser> = v.object({
  name: v.string(),
  role: v.picklist(['owner', 'admin', 'member']),
  disabled: v.boolean(),
  addedOn: v.optional(v.string()),
});

/** @throws StoreError when the store cannot be read at the start */
export async function createRegistry(deps: RegistryDeps): Promise<Registry> {
  const { store, log } = deps;
  const nodes = new Map<string, NodeRecord>();
  const names = new Map<string, string>();
  const addresses = new Map<number, AddressRecord>();
  const users = new Map<string, RegisteredUser>();
  const revocations = createRevocationSet();
  const revocationListeners = new Set<() => void>();
  let policy: string | undefined;
  let settings: NetworkSettings = {};
  let factsVersion = 0;
  const nodesOfUser = new Map<string, Set<string>>();
  const listeners = new Set<(change: RegistryChange) => void>();
  const waiting: { readonly revision: number; readonly resolve: () => void }[] = [];
  const stop = new AbortController();
  let revision = 0;

  function setNode(id: string, node: NodeRecord | undefined): void {
    const before = nodes.get(id);
    if (before !== undefined) {
      nodesOfUser.get(before.userId)?.delete(id);
      if (names.get(before.name) === id) names.delete(before.name);
    }
    if (node === undefined) {
      nodes.delete(id);
      return;
    }
    nodes.set(id, node);
    names.set(node.name, id);
    const owned = nodesOfUser.get(node.userId) ?? new Set();
    nodesOfUser.set(node.userId, owned.add(id));
  }

  /** Adds the nodes that others now see differently. @returns whether it is anything that listeners are told of */
  function apply(update: Update, changed: Set<string>): boolean {
    if (update.kind === 'node') {
      setNode(update.id, update.node);
      changed.add(update.id);
      return true;
    }
    if (update.kind === 'address') {
      if (update.address === undefined) addresses.delete(update.index);
      else addresses.set(update.index, update.address);
      return false;
    }
    if (update.kind === 'revocation') {
      if (revocations.add([update.revocation]).length > 0) for (const listener of revocationListeners) listener();
      return false;
    }
    if (update.kind === 'settings') {
      settings = update.settings;
      return true;
    }
    if (update.kind === 'policy') {
      factsVersion += 1;
      policy = update.text;
      return true;
    }
    const before = users.get(update.id);
    // Much of a user's record is nothing to maps.
    if (isSameUser(before, update.user)) return false;
    factsVersion += 1;
    if (update.user === undefined) users.delete(update.id);
    else users.set(update.id, update.user);
    if (before?.name !== update.user?.name) {
      for (const nodeId of nodesOfUser.get(update.id) ?? []) changed.add(nodeId);
    }
    return true;
  }

  function advance(to: number, changed: ReadonlySet<string>, isNews: boolean): void {
    revision = to;
    if (isNews) for (const listener of listeners) listener({ revision, nodeIds: changed });
    for (let index = waiting.length - 1; index >= 0; index--) {
      if (waiting[index]!.revision <= revision) waiting.splice(index, 1)[0]!.resolve();
    }
  }

  /** Reads all anew. Nothing of it counts unless all of it could be read. */
  async function load(): Promise<void> {
    const lists = await Promise.all(
      [NODES, ADDRESSES, USERS, POLICY, SETTINGS, REVOCATIONS].map((prefix) => store.list(prefix)),
    );
    const updates = readAll(lists.flatMap((list) => list.entries));
    const changed = new Set<string>(nodes.keys());
    for (const id of changed) setNode(id, undefined);
    addresses.clear();
    users.clear();
    policy = undefined;
    settings = {};
    factsVersion += 1;
    for (const update of updates) apply(update, changed);
    // Whatever came between the lists comes once more from the watch.
    advance(Math.min(...lists.map((list) => list.revision)), changed, true);
  }

  async function follow(): Promise<void> {
    for (;;) {
      try {
        for await (const change of store.watch(revision, { prefix: EVERYTHING, signal: stop.signal })) {
          const changed = new Set<string>();
          const isNews = readAll(change.puts).map((update) => apply(update, changed));
          advance(change.revision, changed, isNews.includes(true));
        }
      } catch (error) {
        if (stop.signal.aborted) return;
        log.warn({ error: (error as Error).message }, 'the store could not be followed; maps stay as they are');
        if (!(error instanceof StoreError && error.code === 'COMPACTED')) await deps.sleep(RETRY_MS, stop.signal);
      }
      if (stop.signal.aborted) return;
      await load().catch((error: unknown) => {
        log.warn({ error: (error as Error).message }, 'the store could not be read; maps stay as they are');
      });
    }
  }

  await load();
  void follow();

  return {
    get revision() {
      return revision;
    },
    nodes,
    names,
    indices: {
      taken: { has: (index) => addresses.has(index) && addresses.get(index)!.freedAtMs === undefined },
      freedAtMs: { get: (index) => addresses.get(index)?.freedAtMs },
    },
    nodeOf(index) {
      const found = addresses.get(index);
      return found?.freedAtMs === undefined ? found?.nodeId : undefined;
    },
    users,
    userName: (userId) => (userId === '' ? '' : (users.get(userId)?.name ?? GONE_USER)),
    get policy() {
      return policy;
    },
    get settings() {
      return settings;
    },
    revocations,
    subscribeRevocations(listener) {
      revocationListeners.add(listener);
      return () => void revocationListeners.delete(listener);
    },
    get factsVersion() {
      return factsVersion;
    },
    reach: (wanted) =>
      wanted <= revision ? Promise.resolve() : new Promise((resolve) => waiting.push({ revision: wanted, resolve })),
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close() {
      stop.abort();
      for (const { resolve } of waiting.splice(0)) resolve();
    },
  };
}

function isSameUser(a: RegisteredUser | undefined, b: RegisteredUser | undefined): boolean {
  return a?.name === b?.name && a?.role === b?.role && a?.disabled === b?.disabled;
}

const NODES = nodePaths.nodes();
const ADDRESSES = nodePaths.addresses();
const USERS = below('users');
const POLICY = policyPath;
const SETTINGS = settingsPath;
const REVOCATIONS = nodePaths.revocations();

function isBelow(key: Uint8Array, prefix: Uint8Array): boolean {
  return key.length > prefix.length && startsWith(key, prefix);
}

function startsWith(key: Uint8Array, start: Uint8Array): boolean {
  return start.every((byte, index) => key[index] === byte);
}

type Update =
  | { readonly kind: 'node'; readonly id: string; readonly node: NodeRecord | undefined }
  | { readonly kind: 'address'; readonly index: number; readonly address: AddressRecord | undefined }
  | { readonly kind: 'user'; readonly id: string; readonly user: RegisteredUser | undefined }
  | { readonly kind: 'revocation'; readonly revocation: Revocation }
  | { readonly kind: 'settings'; readonly settings: NetworkSettings }
  | { readonly kind: 'policy'; readonly text: string | undefined };

/** What the puts say of nodes, addresses, revocations, users and policy. All of it can be read, or it throws. */
function readAll(puts: readonly StoreChange['puts'][number][]): Update[] {
  return puts.map(readUpdate).filter((update) => update !== undefined);
}

function readUpdate({ key, value }: StoreChange['puts'][number]): Update | undefined {
  const read = <R>(schema: v.GenericSchema<unknown, R>): R | undefined =>
    value === undefined ? undefined : readRecord(schema, { key, value });
  const id = lastPart(key);
  if (isBelow(key, NODES)) return { kind: 'node', id, node: read(nodeRecord) };
  if (isBelow(key, ADDRESSES)) return { kind: 'address', index: Number(id), address: read(addressRecord) };
  if (isBelow(key, REVOCATIONS)) {
    // Of a set that only grows there is nothing to take away.
    const found = read(revocationRecord);
    return found && { kind: 'revocation', revocation: { nodeId: found.nodeId, nodeKey: found.nodeKey } };
  }
  if (isBelow(key, USERS)) return { kind: 'user', id, user: read(registeredUser) };
  if (key.length === SETTINGS.length && startsWith(key, SETTINGS)) {
    return { kind: 'settings', settings: read(networkSettings) ?? {} };
  }
  if (key.length === POLICY.length && startsWith(key, POLICY))
    return { kind: 'policy', text: read(policyRecord)?.text };
  return undefined;
}
