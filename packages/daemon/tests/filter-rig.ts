import type { FilterRule } from '@pcloud/netmap';
import {
  createPacketFilter,
  type FilterNode,
  type FlowLimits,
  type PacketFilter,
  type Verdict,
} from '../src/filter/index.ts';

/** A filter with a clock, at 10.0.0.1. */
export interface FilterRig {
  readonly filter: PacketFilter;
  now: number;
  receive(packet: Uint8Array, peer?: number): Verdict;
  send(packet: Uint8Array, peer?: number): Verdict;
  /** New rules, for the same nodes. @returns ids of nodes with flows that ended */
  allow(...rules: FilterRule[]): readonly string[];
  place(nodes: readonly FilterNode[], rules: readonly FilterRule[]): readonly string[];
}

export const ADA = 128;
export const NAS = 129;

export const ada: FilterNode = {
  id: 'n-ada',
  user: 'ada',
  tags: [],
  role: 'client',
  addresses: ['10.0.0.2', 'fd00::2'],
};

/** A router for 192.168.9.0/24. */
export const nas: FilterNode = {
  id: 'n-nas',
  user: '',
  tags: ['nas'],
  role: 'server',
  addresses: ['10.0.0.3', 'fd00::3'],
  routes: ['192.168.9.0/24'],
};

/** A rule for everybody. */
export function anyone(protocol: number, ...ports: number[]): FilterRule {
  return { from: ['*'], protocols: [protocol], ports: ports.map((port) => [port, port] as const), rule: 0 };
}

const self = { addresses: ['10.0.0.1', 'fd00::1'], forwards: ['192.168.7.0/24'] };

/** Starts ten minutes before, so that connections of before its start are none any more. */
export function createRig(options: { limits?: FlowLimits; isFresh?: boolean } = {}): FilterRig {
  const filter = createPacketFilter({ now: options.isFresh ? 0 : -600_000, seed: 99, ...options });
  let nodes: readonly FilterNode[] = [ada, nas];
  const rig: FilterRig = {
    filter,
    now: 0,
    receive: (packet, peer = ADA) => filter.inbound(peer, packet, 0, packet.length, ++rig.now),
    send: (packet, peer = ADA) => filter.outbound(peer, packet, 0, packet.length, ++rig.now),
    allow: (...rules) => rig.place(nodes, rules),
    place(next, rules) {
      nodes = next;
      const slots = nodes.map((node, index) => ({ peer: ADA + index, node }));
      return filter.setRules(rules, self, slots, rig.now);
    },
  };
  rig.allow();
  return rig;
}
