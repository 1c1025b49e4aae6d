/**
 * What holds whatever a policy says. The floor is always let in by servers, so that a policy that denies all
 * keeps the network together and can be undone. Behind the ceiling are the cluster's own ports on servers,
 * which open all of Kubernetes. A node's firewall holds the same outside of the tunnel.
 */
import { ALL_PORTS, includesPort, type PortRange } from './ports.ts';

export interface FloorRule {
  readonly from: '*' | 'role:server';
  readonly protocols: readonly number[];
  readonly ports: readonly PortRange[];
  readonly what: string;
}

export interface CeilingRule {
  readonly protocol: number;
  readonly ports: PortRange;
  readonly what: string;
  /** A policy may let in users with the cluster right, by name or group: owners and admins. Else servers alone. */
  readonly isOpenToUsers: boolean;
}

/** Of servers as receivers. */
export const FLOOR: readonly FloorRule[] = [
  {
    from: '*',
    protocols: [6],
    ports: [
      [443, 443],
      [8443, 8444],
    ],
    what: 'coordinator, console and relay',
  },
  { from: '*', protocols: [6, 17], ports: [[53, 53]], what: 'DNS' },
  { from: '*', protocols: [1, 58], ports: ALL_PORTS, what: 'ping' },
  { from: 'role:server', protocols: [6], ports: [[2379, 2380]], what: 'etcd' },
  { from: 'role:server', protocols: [6], ports: [[6443, 6443]], what: 'the Kubernetes API' },
  { from: 'role:server', protocols: [6], ports: [[10_250, 10_250]], what: 'the kubelet' },
  { from: 'role:server', protocols: [17], ports: [[8472, 8472]], what: 'VXLAN' },
  { from: 'role:server', protocols: [17], ports: [[51_820, 51_820]], what: 'WireGuard' },
];

/** Of servers as receivers; other servers pass by the floor. */
export const CEILING: readonly CeilingRule[] = [
  { protocol: 6, ports: [2379, 2380], what: 'etcd', isOpenToUsers: false },
  { protocol: 6, ports: [6443, 6443], what: 'the Kubernetes API', isOpenToUsers: true },
  { protocol: 6, ports: [10_250, 10_250], what: 'the kubelet', isOpenToUsers: false },
  { protocol: 17, ports: [8472, 8472], what: 'VXLAN', isOpenToUsers: false },
];

/** What stands above a port of a server; undefined for most. */
export function ceilingOver(protocol: number, port: number): CeilingRule | undefined {
  return CEILING.find((rule) => rule.protocol === protocol && includesPort([rule.ports], port));
}
