import type { MapNode, NetworkMap } from '@pcloud/netmap';
import type { Peer } from '@pcloud/wireguard';
import { createPacketFilter, type FilterSlot, type PacketFilter } from '../../filter/index.ts';

/** What this node lets in, as its map says. In a network that has no policy everything passes. */
export interface MeshFilter extends PacketFilter {
  /**
   * Call in the turn in which the device's peers became those of the map.
   * @returns ids of nodes that had flows which ended by it
   */
  apply(map: NetworkMap, peerOf: (node: MapNode) => Peer | undefined, now: number): readonly string[];
}

/** @param seed any 32-bit number that nobody else knows */
export function createMeshFilter(now: number, seed: number): MeshFilter {
  const filter = createPacketFilter({ now, seed });
  let isOpen = false;
  return {
    counters: filter.counters,
    get flows() {
      return filter.flows;
    },
    setRules: filter.setRules,
    inbound: (peer, bytes, offset, length, at) => (isOpen ? 'pass' : filter.inbound(peer, bytes, offset, length, at)),
    outbound: (peer, bytes, offset, length, at) => (isOpen ? 'pass' : filter.outbound(peer, bytes, offset, length, at)),
    apply(map, peerOf, at) {
      isOpen = map.filter === undefined;
      if (map.filter === undefined) return [];
      const peers: FilterSlot[] = [];
      for (const node of map.nodes.values()) {
        const peer = peerOf(node);
        if (peer !== undefined) peers.push({ peer: peer.endpointSlot, node });
      }
      return filter.setRules(map.filter, { addresses: map.self.addresses, forwards: [] }, peers, at);
    },
  };
}
