import {
  formatAddress,
  formatPrefix,
  maskAddress,
  type Prefix,
  parseAddress,
  parsePrefix,
  prefixContains,
  prefixesOverlap,
} from '@pcloud/ip';
import type { AddressEvent, RouteEvent } from '@pcloud/native';
import type { NetworkMap } from '@pcloud/netmap';

/** What the machine has besides the mesh. */
export interface MachineState {
  /** Index of the mesh interface. */
  readonly ownIndex: number;
  readonly addresses: readonly AddressEvent[];
  readonly routes: readonly RouteEvent[];
  /** 4 or 16 bytes each. */
  readonly nameservers: readonly Uint8Array[];
}

/** A range of this machine that the mesh's overlaps. The machine's own comes first. */
export interface Conflict {
  /** The mesh's prefix. */
  readonly network: string;
  /** What it overlaps here. */
  readonly overlaps: readonly string[];
  /** Addresses of the mesh that mean something else here, and are reached by IPv6 alone. */
  readonly unreachable: readonly string[];
  readonly sentence: string;
}

/** What the mesh interface is to have. */
export interface InterfacePlan {
  /** Each under a prefix of itself alone. */
  readonly addresses: readonly Uint8Array[];
  readonly routes: readonly PlannedRoute[];
  readonly conflict: Conflict | undefined;
}

export interface PlannedRoute extends Prefix {
  /** Preferred source of packets that leave by it. */
  readonly source: Uint8Array | undefined;
}

const MAIN_TABLE = 254;

/**
 * Plans addresses and routes. A prefix that overlaps nothing gets one route. Where the mesh's IPv4 prefix
 * overlaps a range of the machine, only hosts of the mesh get routes, and none that the machine needs where
 * they are: gateways, resolvers, addresses of its own. IPv6 has a range of its own, and works always.
 */
export function planInterface(map: NetworkMap, machine: MachineState): InterfacePlan {
  const own = addressesOf(map.self.addresses);
  const addresses: Uint8Array[] = [];
  const routes: PlannedRoute[] = [];
  let conflict: Conflict | undefined;
  for (const prefix of prefixesOf(map)) {
    const self = own.find((address) => prefixContains(prefix, address));
    if (self === undefined) continue;
    const overlaps = prefix.address.length === 4 ? findOverlaps(prefix, machine) : [];
    if (overlaps.length === 0) {
      addresses.push(self);
      routes.push({ ...prefix, source: prefix.address.length === 4 ? self : undefined });
      continue;
    }
    const hosts = [...map.nodes.values()].flatMap((node) => addressesOf(node.addresses));
    const meant = hosts.filter((address) => prefixContains(prefix, address));
    const taken = takenAddresses(machine);
    const isOwn = machine.addresses.some((one) => one.index !== machine.ownIndex && isSame(one.address, self));
    // An address that the machine has anyway serves as the source; one that is another's here cannot be had.
    const canSend = isOwn || !taken.has(formatAddress(self));
    if (canSend && !isOwn) addresses.push(self);
    const reachable = canSend ? meant.filter((address) => !taken.has(formatAddress(address))) : [];
    for (const address of reachable) routes.push({ address, length: 32, source: self });
    conflict = describeConflict(
      prefix,
      overlaps,
      meant.filter((address) => !reachable.includes(address)),
    );
  }
  return { addresses, routes, conflict };
}

/** The mesh's prefixes. */
export function prefixesOf(map: NetworkMap): Prefix[] {
  return map.network.prefixes.map(parsePrefix).filter((prefix) => prefix !== undefined);
}

function addressesOf(texts: readonly string[]): Uint8Array[] {
  return texts.map(parseAddress).filter((address) => address !== undefined);
}

function findOverlaps(prefix: Prefix, { ownIndex, addresses, routes }: MachineState): string[] {
  const found = new Set<string>();
  const look = (other: Prefix): void => {
    if (prefixesOverlap(prefix, other)) found.add(formatPrefix(other));
  };
  for (const { index, address, prefixLength } of addresses) {
    if (index !== ownIndex) look({ address: maskAddress(address, prefixLength), length: prefixLength });
  }
  for (const { index, table, destination, prefixLength } of routes) {
    // A default route overlaps everything, and gives way to whatever is more exact.
    if (index !== ownIndex && table === MAIN_TABLE && prefixLength > 0) {
      look({ address: destination, length: prefixLength });
    }
  }
  return [...found];
}

/** Addresses that the machine needs where they are. */
function takenAddresses({ ownIndex, addresses, routes, nameservers }: MachineState): Set<string> {
  const taken = new Set(nameservers.map(formatAddress));
  for (const { index, address } of addresses) if (index !== ownIndex) taken.add(formatAddress(address));
  for (const { index, gateway } of routes) {
    if (index !== ownIndex && gateway !== undefined) taken.add(formatAddress(gateway));
  }
  return taken;
}

function describeConflict(prefix: Prefix, overlaps: readonly string[], lost: readonly Uint8Array[]): Conflict {
  const network = formatPrefix(prefix);
  const unreachable = lost.map(formatAddress);
  const cost = unreachable.length === 0 ? '' : `; ${unreachable.join(', ')} can be reached by IPv6 alone`;
  return {
    network,
    overlaps,
    unreachable,
    sentence: `the network ${network} overlaps ${overlaps.join(', ')} of this machine, which goes first${cost}`,
  };
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
