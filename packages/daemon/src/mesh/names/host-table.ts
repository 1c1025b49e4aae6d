import { formatAddress, type Prefix, parseAddress } from '@pcloud/ip';
import type { NetworkMap } from '@pcloud/netmap';
import { prefixesOf } from '../interface/plan.ts';

/** Names and addresses of a map, as questions look for them. */
export interface HostTable {
  /** Labels of each domain whose names are nodes. */
  readonly domains: readonly (readonly string[])[];
  /** Addresses, 4 or 16 bytes, by node name. */
  readonly hosts: ReadonlyMap<string, readonly Uint8Array[]>;
  /** Whole names by address as text. */
  readonly pointers: ReadonlyMap<string, string>;
  readonly prefixes: readonly Prefix[];
  /** This node's own name, whole. */
  readonly self: string;
  /** Of this node, as text. */
  readonly ownAddresses: ReadonlySet<string>;
  readonly serial: number;
}

/** The domain that every network has, whatever else its names end in. */
export const COMMON_DOMAIN = 'pcloud';

export function createHostTable(map: NetworkMap): HostTable {
  const domain = domainLabels(map.network.domain) ?? [COMMON_DOMAIN];
  const hosts = new Map<string, readonly Uint8Array[]>();
  const pointers = new Map<string, string>();
  for (const node of [map.self, ...map.nodes.values()]) {
    const name = node.name.toLowerCase();
    const addresses = node.addresses.map(parseAddress).filter((address) => address !== undefined);
    if (!hosts.has(name)) hosts.set(name, addresses);
    for (const address of addresses) {
      const text = formatAddress(address);
      if (!pointers.has(text)) pointers.set(text, [name, ...domain].join('.'));
    }
  }
  const own = hosts.get(map.self.name.toLowerCase()) ?? [];
  return {
    domains: domainsOf(map).map((each) => each.split('.')),
    hosts,
    pointers,
    prefixes: prefixesOf(map),
    self: [map.self.name.toLowerCase(), ...domain].join('.'),
    ownAddresses: new Set(own.map(formatAddress)),
    serial: map.revision % 2 ** 32,
  };
}

/** What names of nodes end in. */
export function domainsOf(map: NetworkMap): string[] {
  const own = domainLabels(map.network.domain);
  return [...new Set([COMMON_DOMAIN, ...(own === undefined ? [] : [own.join('.')])])];
}

/** Undefined for what is no name, the root among it: the network's domain is not everybody's. */
function domainLabels(domain: string): string[] | undefined {
  const labels = domain.toLowerCase().replace(/\.$/, '').split('.');
  return labels.every((label) => /^[a-z0-9_-]{1,63}$/.test(label)) ? labels : undefined;
}
