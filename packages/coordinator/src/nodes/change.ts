/** Changes of nodes that are members: each one commit, compared with what it was decided on. */
import { isNodeName } from '@pcloud/netmap';
import { CoordinatorError } from '../errors.ts';
import { encodeRecord, readRecord, type Store, type StoreCompare, type StorePut } from '../store/index.ts';
import { type NodeRecord, nodePaths, nodeRecord } from './node-record.ts';

export interface ChangeDeps {
  readonly store: Store;
  /** Wall clock, milliseconds. */
  readonly now: () => number;
}

/** On whose word it is done: what must hold still when it is committed. */
export type OnWordOf = readonly StoreCompare[];

/** What the same commit holds and puts besides. */
export interface Besides {
  readonly word?: OnWordOf | undefined;
  readonly put?: readonly StorePut[];
}

/**
 * Gives a node another name.
 * @returns the revision
 * @throws CoordinatorError NODE_UNKNOWN, NAME_INVALID, NAME_TAKEN, CONFLICT
 */
export async function renameNode(
  id: string,
  name: string,
  { store }: ChangeDeps,
  { word = [], put = [] }: Besides = {},
): Promise<number> {
  if (!isNodeName(name)) {
    throw new CoordinatorError(
      'NAME_INVALID',
      `name: expected 1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit, got "${name}"`,
    );
  }
  const { node, revision } = await readNode(id, store);
  if (node.name === name) return revision;
  if ((await store.get(nodePaths.name(name))) !== undefined) {
    throw new CoordinatorError('NAME_TAKEN', `name: "${name}" belongs to another node`);
  }
  const result = await store.commit({
    compare: [{ key: nodePaths.node(id), revision }, { key: nodePaths.name(name), revision: 0 }, ...word],
    put: [
      { key: nodePaths.name(node.name), value: undefined },
      { key: nodePaths.name(name), value: encodeRecord({ nodeId: id }) },
      { key: nodePaths.node(id), value: encodeRecord({ ...node, name }) },
      ...put,
    ],
  });
  return committed(result, id);
}

/**
 * Takes a node out of the network: its name and keys are free, its address rests for a week.
 * @param revoke the machine's key is never let in again, whatever token it has, and its node key is no other's
 * @returns the revision
 * @throws CoordinatorError NODE_UNKNOWN, CONFLICT
 */
export async function removeNode(
  id: string,
  revoke: boolean,
  { store, now }: ChangeDeps,
  { word = [], put: besides = [] }: Besides = {},
): Promise<number> {
  const { node, revision } = await readNode(id, store);
  const put: StorePut[] = [
    ...besides,
    { key: nodePaths.node(id), value: undefined },
    { key: nodePaths.machine(node.machineKey), value: undefined },
    { key: nodePaths.name(node.name), value: undefined },
    { key: nodePaths.address(node.index), value: encodeRecord({ nodeId: id, freedAtMs: now() }) },
  ];
  if (revoke) {
    const value = encodeRecord({ nodeId: id, nodeKey: node.nodeKey, atMs: now() });
    put.push({ key: nodePaths.revocation(node.machineKey), value });
  } else {
    put.push({ key: nodePaths.nodeKey(node.nodeKey), value: undefined });
  }
  return committed(await store.commit({ compare: [{ key: nodePaths.node(id), revision }, ...word], put }), id);
}

async function readNode(id: string, store: Store): Promise<{ node: NodeRecord; revision: number }> {
  const entry = await store.get(nodePaths.node(id));
  if (entry === undefined) throw new CoordinatorError('NODE_UNKNOWN', `node: there is none with the id "${id}"`);
  return { node: readRecord(nodeRecord, entry), revision: entry.revision };
}

function committed(result: { readonly committed: boolean; readonly revision: number }, id: string): number {
  if (result.committed) return result.revision;
  throw new CoordinatorError(
    'CONFLICT',
    `node "${id}", or who may change it, was changed at the same moment; try again`,
  );
}
