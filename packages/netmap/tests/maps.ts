import fc from 'fast-check';
import type { MapNetwork, MapNode, NetworkMap } from '../src/index.ts';
import { encodeBase64, formatNetworkId } from '../src/index.ts';
import { publicOf, secret } from './keys.ts';

export const NETWORK: MapNetwork = {
  id: formatNetworkId(secret(1)),
  prefixes: ['10.0.0.0/16', 'fd00:1::/64'],
  domain: 'pcloud',
  relays: [],
};

const KEYS = Array.from({ length: 8 }, (_, i) => encodeBase64(publicOf(secret(i))));

export function node(index: number, changes: Partial<MapNode> = {}): MapNode {
  return {
    id: `n${index}`,
    name: `node-${index}`,
    user: 'ada',
    tags: [],
    role: 'client',
    nodeKey: KEYS[index % KEYS.length]!,
    addresses: [`10.0.0.${index}`, `fd00:1::${index}`],
    ...changes,
  };
}

export function mapOf(revision: number, nodes: readonly MapNode[], changes: Partial<NetworkMap> = {}): NetworkMap {
  const self = node(1, { role: 'server' });
  const byId = new Map(nodes.map((one) => [one.id, one]));
  return { epoch: 1, revision, network: NETWORK, self, nodes: byId, ...changes };
}

const changes = fc.record(
  {
    name: fc.constantFrom('a', 'b', 'c'),
    user: fc.constantFrom('ada', 'é', '"\\'),
    tags: fc.subarray(['one', 'two', 'three']),
    nodeKey: fc.constantFrom(...KEYS),
  },
  { requiredKeys: [], noNullPrototype: true },
);

/** One step in the life of a map: a node joins, changes or leaves, oneself changes, the network does. */
export const step: fc.Arbitrary<(map: NetworkMap) => NetworkMap> = fc.oneof(
  fc.tuple(fc.integer({ min: 2, max: 12 }), changes).map(([index, change]) => (map: NetworkMap) => ({
    ...map,
    revision: map.revision + 1,
    nodes: new Map(map.nodes).set(`n${index}`, node(index, change)),
  })),
  fc.integer({ min: 2, max: 12 }).map((index) => (map: NetworkMap) => {
    const nodes = new Map(map.nodes);
    nodes.delete(`n${index}`);
    return { ...map, revision: map.revision + 1, nodes };
  }),
  changes.map((change) => (map: NetworkMap) => ({ ...map, revision: map.revision + 1, self: node(1, change) })),
  fc.subarray(['https://r1', 'https://r2']).map((relays) => (map: NetworkMap) => ({
    ...map,
    revision: map.revision + 1,
    network: { ...map.network, relays },
  })),
);
