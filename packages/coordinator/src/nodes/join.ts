/** Letting a machine in: token, address, name and keys in one commit. */
import type { Prefix } from '@pcloud/ip';
import { isIndexFree, LIMITS, nextFreeIndex, toNodeName, uniqueName } from '@pcloud/netmap';
import { encodeRecord, readRecord, type Store, type StorePut } from '../store/index.ts';
import type { Admission } from './admission.ts';
import { type NodeRecord, nodePaths, nodeRecord, pointerRecord } from './node-record.ts';
import type { Registry } from './registry.ts';

/** What a machine says of itself, its keys proven. */
export interface JoinRequest {
  /** Public keys, base64. */
  readonly machineKey: string;
  readonly nodeKey: string;
  readonly wishedName: string;
}

export type JoinRefusal =
  | 'KEY_IN_USE'
  | 'NODE_REMOVED'
  | 'ADDRESS_IN_USE'
  | 'ADDRESSES_EXHAUSTED'
  | 'NETWORK_FULL'
  | 'TRY_LATER';

export type JoinOutcome<R extends string> =
  | { readonly node: NodeRecord; readonly revision: number; readonly isNew?: true }
  | { readonly refusal: R | JoinRefusal };

export interface JoinDeps {
  readonly store: Store;
  readonly registry: Registry;
  /** The network's IPv4 prefix. */
  readonly prefix: Prefix;
  /** Wall clock, milliseconds. */
  readonly now: () => number;
  /** An id that was never given before. */
  readonly newId: () => string;
}

/** Every failed attempt means that somebody else's change was committed. */
const MAX_ATTEMPTS = 200;

/**
 * Makes the machine a node, or answers with the node that it is: a retry gets the same answer, and needs no
 * token. A new node key of a known machine takes the place of the old one.
 * @param admit asked anew for each attempt
 */
export async function joinNode<R extends string>(
  request: JoinRequest,
  admit: () => Promise<Admission | { readonly refusal: R }>,
  deps: JoinDeps,
): Promise<JoinOutcome<R>> {
  const { store, registry } = deps;
  const id = deps.newId();
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const known = await findNode(store, request.machineKey);
    if (known !== undefined) {
      const outcome = await renewNodeKey(known, request.nodeKey, deps);
      if (outcome === 'conflict') continue;
      return outcome;
    }
    if ((await store.get(nodePaths.revocation(request.machineKey))) !== undefined) return { refusal: 'NODE_REMOVED' };
    const admission = await admit();
    if ('refusal' in admission) return admission;
    if ((await store.get(nodePaths.nodeKey(request.nodeKey))) !== undefined) return { refusal: 'KEY_IN_USE' };

    // A map with more is one that nodes refuse, whatever the range has room for.
    if (registry.nodes.size >= LIMITS.NODES) return { refusal: 'NETWORK_FULL' };
    const index = admission.index ?? nextFreeIndex(deps.prefix, registry.indices, deps.now());
    if (index === undefined) return { refusal: 'ADDRESSES_EXHAUSTED' };
    if (!isIndexFree(index, registry.indices, deps.now())) return { refusal: 'ADDRESS_IN_USE' };
    const node: NodeRecord = {
      id,
      name: uniqueName(toNodeName(request.wishedName), registry.names),
      userId: admission.userId,
      tags: [...admission.tags],
      role: admission.isServer ? 'server' : 'client',
      machineKey: request.machineKey,
      nodeKey: request.nodeKey,
      index,
      ephemeral: admission.ephemeral,
      createdAtMs: deps.now(),
      ...(admission.addedOn !== undefined && { addedOn: admission.addedOn }),
    };
    const address = await store.get(nodePaths.address(index));
    const result = await store.commit({
      compare: [
        { key: nodePaths.machine(node.machineKey), revision: 0 },
        { key: nodePaths.nodeKey(node.nodeKey), revision: 0 },
        { key: nodePaths.name(node.name), revision: 0 },
        { key: nodePaths.address(index), revision: address?.revision ?? 0 },
        ...admission.compare,
      ],
      put: [...putsOf(node), ...admission.put],
    });
    if (result.committed) return { node, revision: result.revision, isNew: true };
    await registry.reach(result.revision);
  }
  return { refusal: 'TRY_LATER' };
}

/** The node that a machine is, from the store itself. */
export async function findNode(
  store: Store,
  machineKey: string,
): Promise<{ readonly node: NodeRecord; readonly revision: number } | undefined> {
  const pointer = await store.get(nodePaths.machine(machineKey));
  if (pointer === undefined) return undefined;
  const entry = await store.get(nodePaths.node(readRecord(pointerRecord, pointer).nodeId));
  return entry && { node: readRecord(nodeRecord, entry), revision: entry.revision };
}

/** Another node key takes the place of the one that a node has. The old one is free. */
export async function renewNodeKey(
  known: { readonly node: NodeRecord; readonly revision: number },
  nodeKey: string,
  { store, now }: Pick<JoinDeps, 'store' | 'now'>,
  besides: readonly StorePut[] = [],
): Promise<{ node: NodeRecord; revision: number } | { refusal: 'KEY_IN_USE' } | 'conflict'> {
  const { node: before, revision } = known;
  if (before.nodeKey === nodeKey) return { node: before, revision };
  if ((await store.get(nodePaths.nodeKey(nodeKey))) !== undefined) return { refusal: 'KEY_IN_USE' };
  const node = { ...before, nodeKey, keySinceMs: now() };
  const result = await store.commit({
    compare: [
      { key: nodePaths.node(node.id), revision },
      { key: nodePaths.nodeKey(nodeKey), revision: 0 },
    ],
    put: [
      { key: nodePaths.nodeKey(before.nodeKey), value: undefined },
      { key: nodePaths.nodeKey(nodeKey), value: encodeRecord({ nodeId: node.id }) },
      { key: nodePaths.node(node.id), value: encodeRecord(node) },
      ...besides,
    ],
  });
  return result.committed ? { node, revision: result.revision } : 'conflict';
}

function putsOf(node: NodeRecord): StorePut[] {
  const pointer = encodeRecord({ nodeId: node.id });
  return [
    { key: nodePaths.node(node.id), value: encodeRecord(node) },
    { key: nodePaths.machine(node.machineKey), value: pointer },
    { key: nodePaths.nodeKey(node.nodeKey), value: pointer },
    { key: nodePaths.name(node.name), value: pointer },
    { key: nodePaths.address(node.index), value: pointer },
  ];
}
