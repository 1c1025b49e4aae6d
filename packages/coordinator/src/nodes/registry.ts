/**
 * Nodes, their addresses and their users in memory, kept current by the store's watch. Maps are made of it;
 * what decides (a join, a rename) is compared again by the commit.
 */
import type { IndexUse } from '@pcloud/netmap';
import * as v from 'valibot';
import type { Logger } from '../log.ts';
import { below, lastPart, readRecord, type Store, type StoreEntry, StoreError } from '../store/index.ts';
import { type AddressRecord, addressRecord, type NodeRecord, nodePaths, nodeRecord } from './node-record.ts';

export interface Registry {
  /** Of the store, as far as it was seen. */
  readonly revision: number;
  /** By id. */
  readonly nodes: ReadonlyMap<string, NodeRecord>;
  /** Ids of nodes, by the name they have. */
  readonly names: ReadonlyMap<string, string>;
  /** Places of the prefixes that nodes have, and when those that nodes had were given back. */
  readonly indices: IndexUse;
  /** The name of a user; empty for none. */
  userName(userId: string): string;
  /** Resolves once what that revision changed is here. */
  reach(revision: number): Promise<void>;
  /** Is told of every change of nodes, in order. Returns what ends it. */
  subscribe(listener: (change: RegistryChange) => void): () => void;
  close(): void;
}

export interface RegistryChange {
  readonly revision: number;
  /** Nodes that others may now see differently. */
  readonly nodeIds: ReadonlySet<string>;
}

export interface RegistryDeps {
  readonly store: Store;
  readonly log: Logger;
  /** Resolves after so many milliseconds, or when the signal says so. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

const EVERYTHING = new Uint8Array(0);
const RETRY_MS = 500;

/** What is read of a user's record here. */
const namedRecord = v.looseObject({ name: v.string() });

/** @throws StoreError when the store cannot be read at the start */
export async function createRegistry(deps: RegistryDeps): Promise<Registry> {
  const { store, log } = deps;
  const nodes = new Map<string, NodeRecord>();
  const names = new Map<string, string>();
  const addresses = new Map<number, AddressRecord>();
  const userNames = new Map<string, string>();
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

  /** Applies one record; adds the nodes whose face changed. */
  function apply(key: Uint8Array, value: Uint8Array | undefined, changed: Set<string>): void {
    const id = lastPart(key);
    const read = <S extends v.GenericSchema>(schema: S): v.InferOutput<S> | undefined =>
      value === undefined ? undefined : readRecord(schema, { key, value });
    if (isBelow(key, NODES)) {
      setNode(id, read(nodeRecord));
      changed.add(id);
    } else if (isBelow(key, ADDRESSES)) {
      const address = read(addressRecord);
      if (address === undefined) addresses.delete(Number(id));
      else addresses.set(Number(id), address);
    } else if (isBelow(key, USERS)) {
      const name = read(namedRecord)?.name;
      if (name === userNames.get(id)) return;
      if (name === undefined) userNames.delete(id);
      else userNames.set(id, name);
      for (const nodeId of nodesOfUser.get(id) ?? []) changed.add(nodeId);
    }
  }

  function advance(to: number, changed: ReadonlySet<string>): void {
    revision = to;
    if (changed.size > 0) for (const listener of listeners) listener({ revision, nodeIds: changed });
    for (let index = waiting.length - 1; index >= 0; index--) {
      if (waiting[index]!.revision <= revision) waiting.splice(index, 1)[0]!.resolve();
    }
  }

  /** Reads all anew. Nothing of it counts unless all of it could be read. */
  async function load(): Promise<void> {
    const lists = await Promise.all([NODES, ADDRESSES, USERS].map((prefix) => store.list(prefix)));
    const entries = lists.flatMap((list) => [...list.entries]);
    const changed = new Set<string>(nodes.keys());
    const known = readAll(entries);
    for (const id of [...nodes.keys()]) if (!known.has(id)) setNode(id, undefined);
    addresses.clear();
    for (const entry of entries) apply(entry.key, entry.value, changed);
    // Whatever came between the lists comes once more from the watch.
    advance(Math.min(...lists.map((list) => list.revision)), changed);
  }

  async function follow(): Promise<void> {
    for (;;) {
      try {
        for await (const change of store.watch(revision, { prefix: EVERYTHING, signal: stop.signal })) {
          const changed = new Set<string>();
          for (const { key, value } of change.puts) apply(key, value, changed);
          advance(change.revision, changed);
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
    userName: (userId) => userNames.get(userId) ?? '',
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

const NODES = nodePaths.nodes();
const ADDRESSES = nodePaths.addresses();
const USERS = below('users');

function isBelow(key: Uint8Array, prefix: Uint8Array): boolean {
  return key.length > prefix.length && prefix.every((byte, index) => key[index] === byte);
}

/** The ids of the nodes among the entries, every one of which must be readable. */
function readAll(entries: readonly StoreEntry[]): Set<string> {
  const ids = new Set<string>();
  for (const entry of entries) {
    if (isBelow(entry.key, NODES)) ids.add(readRecord(nodeRecord, entry).id);
    else if (isBelow(entry.key, ADDRESSES)) readRecord(addressRecord, entry);
  }
  return ids;
}
