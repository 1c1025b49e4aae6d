import type { NetworkMap } from './map.ts';
import { hashMap } from './map-hash.ts';
import type { ServerMessage } from './messages.ts';

export type MapMessage = Extract<ServerMessage, { kind: 'map' }>;

/** A whole map as it is sent, and kept on disk. */
export function writeMapMessage(map: NetworkMap): MapMessage {
  const { epoch, revision, network, self, filter } = map;
  const nodes = [...map.nodes.values()];
  return { kind: 'map', epoch, revision, network, self, nodes, ...(filter && { filter }), hash: hashMap(map) };
}

/** The map, or undefined when it is not what its hash promises, or names a node twice. */
export function readMapMessage(message: MapMessage): NetworkMap | undefined {
  const { epoch, revision, network, self, filter } = message;
  const nodes = new Map(message.nodes.map((node) => [node.id, node]));
  if (nodes.size !== message.nodes.length || nodes.has(self.id)) return undefined;
  const map: NetworkMap = { epoch, revision, network, self, nodes, ...(filter && { filter }) };
  return hashMap(map) === message.hash ? map : undefined;
}
