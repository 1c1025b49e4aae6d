import { formatAddress, type Prefix, parseAddress, parsePrefix, prefixContains } from '@pcloud/ip';
import { decodeBase64, type MapNode, type NetworkMap } from '@pcloud/netmap';
import type { Device, Peer } from '@pcloud/wireguard';
import type { Logger } from '../../log.ts';

/** Keeps the peers of a device equal to the nodes of a map, and leaves alone those that did not change. */
export interface MapApplier {
  /** Call inside `Driver.change`. */
  apply(map: NetworkMap, now: number): void;
  peerOf(nodeId: string): Peer | undefined;
  nodeIdOf(peer: Peer): string | undefined;
}

export interface MapApplierDeps {
  readonly device: Device;
  readonly log: Logger;
  /** A node has a peer that is new. */
  readonly handleAdded: (nodeId: string, peer: Peer) => void;
  /** A node has another key, and its peer goes on under that. */
  readonly handleRekeyed: (peer: Peer) => void;
}

/** A server's end stays open in whatever NAT lies before a client, so that others reach the client through it. */
const KEEPALIVE_SECONDS = 25;

interface Entry {
  /** As the map had it: entries of maps are replaced, never changed. */
  node: MapNode;
  peer: Peer;
}

export function createMapApplier(deps: MapApplierDeps): MapApplier {
  const { device, log } = deps;
  const entries = new Map<string, Entry>();
  const ids = new WeakMap<Peer, string>();

  /** Before anything is added, what others are to have is given up: keys and addresses move from node to node. */
  function giveUp(map: NetworkMap, now: number): void {
    for (const [id, { node, peer }] of entries) {
      const next = map.nodes.get(id);
      if (next === node) continue;
      if (next === undefined || !keepsPeer(next, peer, now)) {
        device.removePeer(peer.publicKey, now);
        entries.delete(id);
      } else {
        const kept = new Set(next.addresses);
        for (const text of node.addresses) {
          const address = kept.has(text) ? undefined : parseAddress(text);
          if (address !== undefined) peer.removeAllowedIp(address, address.length * 8);
        }
      }
    }
  }

  /** Whether a node is still the one of its peer, whose key is another if need be. */
  function keepsPeer({ nodeKey }: MapNode, peer: Peer, now: number): boolean {
    const key = decodeBase64(nodeKey, 32);
    if (key === undefined) return false;
    if (key.every((byte, at) => byte === peer.publicKey[at])) return true;
    const isReplaced = device.replacePeerKey(peer.publicKey, key, now);
    if (isReplaced) deps.handleRekeyed(peer);
    return isReplaced;
  }

  /** Undefined for a key that is none, or another node's, or this one's. */
  function add(node: MapNode, now: number): Entry | undefined {
    const key = decodeBase64(node.nodeKey, 32);
    const peer = key === undefined || device.findPeer(key) !== undefined ? undefined : device.addPeer(key, now);
    if (peer === undefined) return undefined;
    const entry = { node, peer };
    entries.set(node.id, entry);
    ids.set(peer, node.id);
    return entry;
  }

  /** @returns whether all of its addresses are the network's */
  function update(entry: Entry, node: MapNode, mesh: Mesh, now: number): boolean {
    const { peer } = entry;
    let isWhole = true;
    const held = new Set(Array.from(peer.allowedIps(), ({ address }) => formatAddress(address)));
    for (const text of node.addresses) {
      const address = parseAddress(text);
      if (address === undefined || !mesh.has(address)) {
        isWhole = false;
      } else if (!held.has(formatAddress(address))) {
        peer.addAllowedIp(address, address.length * 8);
      }
    }
    const seconds = node.role === 'server' && mesh.selfRole === 'client' ? KEEPALIVE_SECONDS : 0;
    if (peer.keepaliveIntervalSeconds !== seconds) peer.setKeepaliveInterval(seconds, now);
    entry.node = node;
    return isWhole;
  }

  /** One line a map, however many of them there are. */
  function complain(names: readonly string[], event: string): void {
    if (names.length > 0) log.error({ node: names[0], nodes: names.length }, event);
  }

  return {
    apply(map, now) {
      giveUp(map, now);
      const mesh = meshOf(map);
      const keyless: string[] = [];
      const astray: string[] = [];
      for (const [id, node] of map.nodes) {
        const known = entries.get(id);
        if (known?.node === node) continue;
        const entry = known ?? add(node, now);
        if (entry === undefined) {
          keyless.push(node.name);
          continue;
        }
        if (!update(entry, node, mesh, now)) astray.push(node.name);
        if (known === undefined) deps.handleAdded(id, entry.peer);
      }
      complain(keyless, 'the map has nodes with a key that is none, or that another has; they are left out');
      complain(astray, 'the map gives nodes addresses outside of the network; these are left out');
    },
    peerOf: (nodeId) => entries.get(nodeId)?.peer,
    nodeIdOf: (peer) => ids.get(peer),
  };
}

interface Mesh {
  readonly selfRole: MapNode['role'];
  /** Whether an address can be one of another node. */
  has(address: Uint8Array): boolean;
}

function meshOf({ network, self }: NetworkMap): Mesh {
  const prefixes = network.prefixes.map(parsePrefix).filter((prefix): prefix is Prefix => prefix !== undefined);
  const own = new Set(self.addresses);
  return {
    selfRole: self.role,
    has: (address) => !own.has(formatAddress(address)) && prefixes.some((prefix) => prefixContains(prefix, address)),
  };
}
