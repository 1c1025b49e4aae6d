import type { MapNode, NetworkMap, Presence } from '@pcloud/netmap';
import type { PeerReason } from '@pcloud/wireguard';
import { PEER_REASONS } from '../peer-reasons.ts';
import type { ControlState } from './control/client.ts';
import type { Conflict } from './interface/plan.ts';
import type { KeyStatus } from './key-watch.ts';
import { endpointOf, type MeshTunnel } from './mesh-tunnel.ts';
import type { NamesStatus } from './names.ts';

/** `none`: of no network. `joining`: not let in yet. `down`: a member whose interface was taken away. */
export type MeshState = 'none' | 'joining' | 'up' | 'down';

/** What `pcloud status --json` prints. No secret is in it. */
export interface MeshStatus {
  readonly state: MeshState;
  readonly version: string;
  /** Null while there is no map. */
  readonly self: { readonly name: string; readonly addresses: readonly string[] } | null;
  readonly network: { readonly id: string; readonly prefixes: readonly string[]; readonly domain: string } | null;
  readonly interface: { readonly name: string; readonly port: number } | null;
  readonly coordinator: {
    readonly connected: boolean;
    readonly url: string | null;
    /** Why it is not connected. */
    readonly problem: { readonly code: string; readonly message: string } | null;
  };
  /** While somebody has to approve this device. */
  readonly pending: { readonly code: string; readonly url: string } | null;
  /** How long the key of this device holds; null where no server has told. */
  readonly key: KeyStatus | null;
  /** A range of this machine that the network overlaps. */
  readonly conflict: Conflict | null;
  /** Of names; null while the device is down. */
  readonly resolver: NamesStatus | null;
  readonly peers: readonly MeshPeerStatus[];
}

export interface MeshPeerStatus {
  readonly name: string;
  readonly addresses: readonly string[];
  /** Whether the coordinator has a channel to it, as far as is known. */
  readonly online: boolean;
  readonly path: 'direct' | 'relay' | 'none';
  readonly endpoint: string | null;
  readonly latencyMs: number | null;
  readonly rxBytes: number;
  readonly txBytes: number;
  /** Why it is or is not reachable, in one word, and in a sentence. */
  readonly reason: PeerReason;
  readonly sentence: string;
}

/** Where the advice for a tunnel that is configured by hand would mislead. */
const SENTENCES: Readonly<Record<PeerReason, string>> = {
  ...PEER_REASONS,
  'no-endpoint':
    'No endpoint: nobody knows yet where this node is; start pcloud on it, or name an address with "pcloud endpoint NODE ADDRESS:PORT".',
  'no-reply':
    'No reply: check that the node is on and runs pcloud, and that its UDP port is reachable through firewalls.',
  'no-private-key': 'No private key: the daemon is starting.',
  'bad-key': 'Bad key: the public key of this node is not usable; join again on it.',
  'clock-behind':
    'Clock behind: the node takes our handshakes for old ones; set the clock of this machine, then run "pcloud down" and "pcloud up" on the node.',
  'source-check': 'Source refused: the node sends from addresses that the network did not give it.',
  'endpoint-loop':
    'Endpoint in a loop: a route of this machine leads packets for the endpoint of the node back into the network; take that route away.',
  'psk-mismatch': 'Preshared keys differ: run "pcloud down" and "pcloud up" on both nodes.',
  down: 'Down: the interface is down; run "pcloud up".',
};

export interface StatusFacts {
  readonly state: MeshState;
  readonly version: string;
  readonly interfaceName: string;
  readonly map: NetworkMap | undefined;
  readonly presence: ReadonlyMap<string, Presence>;
  readonly tunnel: MeshTunnel | undefined;
  readonly control: ControlState;
  readonly pending: { readonly code: string; readonly url: string } | undefined;
  readonly names: NamesStatus | undefined;
  readonly key: KeyStatus | null;
}

export function describeMesh(facts: StatusFacts): MeshStatus {
  const { map, tunnel, control } = facts;
  return {
    state: facts.state,
    version: facts.version,
    self: map ? { name: map.self.name, addresses: map.self.addresses } : null,
    network: map ? { id: map.network.id, prefixes: map.network.prefixes, domain: map.network.domain } : null,
    interface: tunnel ? { name: facts.interfaceName, port: tunnel.port } : null,
    coordinator: { connected: control.connected, url: control.url ?? null, problem: control.problem ?? null },
    pending: facts.pending ?? null,
    key: facts.key,
    conflict: tunnel?.conflict ?? null,
    resolver: (tunnel && facts.names) ?? null,
    peers: map ? [...map.nodes.values()].map((node) => describePeer(node, facts)).sort(byName) : [],
  };
}

export function describePeer(node: MapNode, { presence, tunnel }: StatusFacts): MeshPeerStatus {
  const peer = tunnel?.peerOf(node);
  const reason = peer?.reason ?? 'down';
  const isDirect = reason === 'connected' || reason === 'source-check';
  const latencyMs = tunnel?.choice.latencyOf(node.id);
  return {
    name: node.name,
    addresses: node.addresses,
    online: presence.get(node.id)?.online ?? false,
    path: isDirect ? 'direct' : 'none',
    endpoint: (isDirect && peer && endpointOf(peer)) || null,
    latencyMs: isDirect && latencyMs !== undefined ? Math.round(latencyMs * 10) / 10 : null,
    rxBytes: peer?.rxBytes ?? 0,
    txBytes: peer?.txBytes ?? 0,
    reason,
    sentence: SENTENCES[reason],
  };
}

function byName(a: MeshPeerStatus, b: MeshPeerStatus): number {
  return a.name < b.name ? -1 : 1;
}
