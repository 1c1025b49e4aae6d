import { formatEndpoint, formatPrefix } from '@pcloud/ip';
import type { Device, Peer, PeerReason } from '@pcloud/wireguard';
import type { FaultKind } from './driver.ts';
import { PEER_REASONS } from './peer-reasons.ts';

/** What `pcloud-wg status` shows: no private or preshared key is in it. */
export interface TunnelStatus {
  readonly interface: string;
  readonly version: string;
  readonly publicKey: string | null;
  readonly listenPort: number;
  readonly fwmark: number;
  readonly isUp: boolean;
  readonly mtu: number;
  readonly crypto: string;
  /** Who moves packets: `native` or `portable`. */
  readonly dataPlane: string;
  readonly bind: string;
  /** What the kernel offers of what speeds packets up; empty without the addon. */
  readonly features: Readonly<Record<string, boolean | string>>;
  /** Drops and other events of the protocol, those that happened. */
  readonly counters: Readonly<Record<string, number>>;
  /** Drops of sockets and interface, those that happened. */
  readonly systemCounters: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<FaultKind, number>>;
  readonly peers: readonly PeerStatus[];
}

export interface PeerStatus {
  readonly publicKey: string;
  readonly reason: PeerReason;
  readonly sentence: string;
  readonly endpoint: string | null;
  readonly allowedIps: readonly string[];
  /** ISO 8601, null for never. */
  readonly lastHandshake: string | null;
  readonly rxBytes: number;
  readonly txBytes: number;
  readonly persistentKeepaliveSeconds: number;
}

/** What the device does not know of itself. */
export type StatusFacts = Omit<TunnelStatus, 'publicKey' | 'isUp' | 'counters' | 'peers'>;

export function describeTunnel(device: Device, facts: StatusFacts): TunnelStatus {
  return {
    ...facts,
    publicKey: device.publicKey ? base64(device.publicKey) : null,
    isUp: device.isUp,
    counters: withoutZeros(device.counters),
    systemCounters: withoutZeros(facts.systemCounters),
    peers: Array.from(device.peers(), describePeer),
  };
}

function describePeer(peer: Peer): PeerStatus {
  const endpoint = peer.copyEndpoint();
  return {
    publicKey: base64(peer.publicKey),
    reason: peer.reason,
    sentence: PEER_REASONS[peer.reason],
    endpoint: endpoint ? formatEndpoint(endpoint) : null,
    allowedIps: Array.from(peer.allowedIps(), formatPrefix),
    lastHandshake: peer.lastHandshakeWallMs === 0 ? null : new Date(peer.lastHandshakeWallMs).toISOString(),
    rxBytes: peer.rxBytes,
    txBytes: peer.txBytes,
    persistentKeepaliveSeconds: peer.keepaliveIntervalSeconds,
  };
}

function withoutZeros(counters: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counters).filter(([, count]) => count !== 0));
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
