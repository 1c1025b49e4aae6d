import { type NodeRecord, nodePaths } from '../nodes/node-record.ts';
import { encodeRecord, type Store } from '../store/index.ts';
import { WALL_MS } from './accounts-rig.ts';

/** Puts a node into the store as joining would, with the next address. */
export async function addNode(store: Store, name: string, wish: Partial<NodeRecord> = {}): Promise<NodeRecord> {
  const { entries } = await store.list(nodePaths.addresses());
  const index = entries.length + 1;
  const node: NodeRecord = {
    id: `id-of-${name}`,
    name,
    userId: '',
    tags: [],
    role: 'client',
    machineKey: `machine-of-${name}`,
    nodeKey: `key-of-${name}`,
    index,
    ephemeral: false,
    createdAtMs: WALL_MS,
    ...wish,
  };
  const put = [
    { key: nodePaths.node(node.id), value: encodeRecord(node) },
    { key: nodePaths.name(name), value: encodeRecord({ nodeId: node.id }) },
    { key: nodePaths.address(index), value: encodeRecord({ nodeId: node.id }) },
  ];
  await store.commit({ compare: [], put });
  return node;
}
