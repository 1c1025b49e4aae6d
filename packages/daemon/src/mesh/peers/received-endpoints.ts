import {
  ENDPOINT,
  endpointAddressBytes,
  formatAddress,
  formatEndpoint,
  maskAddress,
  type Prefix,
  parseEndpoint,
  prefixContains,
} from '@pcloud/ip';
import { isPrivate, isReachable, MOST_ENDPOINTS } from './local-endpoints.ts';

/** What is known here of where a peer can and cannot be. */
export interface Surroundings {
  /** The mesh's prefixes: a peer inside its own tunnel would be a loop. */
  readonly meshPrefixes: readonly Prefix[];
  /** Whether an address, as text, is a node's in the mesh. */
  readonly isNode: (address: string) => boolean;
  /** Addresses of this machine outside of the mesh, with the length of their subnets' prefixes. */
  readonly addresses: readonly { readonly address: Uint8Array; readonly prefixLength: number }[];
  /** UDP port of this node. */
  readonly port: number;
  /** Addresses, as text, that are known to lead to servers, as that of the coordinator does. */
  readonly proven: ReadonlySet<string>;
}

/**
 * Endpoints that a peer is said to have, those most likely to answer first, without those that cannot be: of
 * the mesh itself, this very socket, loopback, multicast, broadcast, unspecified, one link's. At most 32.
 */
export function receivedEndpoints(texts: readonly string[], around: Surroundings): string[] {
  const ranks = new Map<string, number>();
  for (const text of texts.slice(0, MOST_ENDPOINTS)) {
    const endpoint = parseEndpoint(text);
    if (endpoint === undefined || endpoint[ENDPOINT.PORT] === 0) continue;
    const address = endpointAddressBytes(endpoint, 0);
    if (!isReachable(address) || isEverybody(address, around)) continue;
    if (isInside(address, around)) continue;
    const isOurs = around.addresses.some((own) => formatAddress(own.address) === formatAddress(address));
    if (isOurs && endpoint[ENDPOINT.PORT] === around.port) continue;
    const name = formatEndpoint(endpoint);
    // The same private address as ours is most likely that of a bridge which every machine has.
    if (!ranks.has(name)) ranks.set(name, isOurs ? 4 : rank(address, around));
  }
  // The sort is stable: among equals the peer's own order holds.
  return [...ranks].sort(([, a], [, b]) => a - b).map(([name]) => name);
}

/** Whether an address is that of all hosts of a subnet of this machine: its last, or its first, which some take for it. */
function isEverybody(address: Uint8Array, { addresses }: Surroundings): boolean {
  return addresses.some(({ address: own, prefixLength: length }) => {
    const subnet = { address: maskAddress(own, length), length };
    if (own.length !== 4 || length >= 31 || !prefixContains(subnet, address)) return false;
    const [rest, hosts] = [hostPart(address, length), 2 ** (32 - length)];
    return rest === 0 || rest === hosts - 1;
  });
}

/** The bits of an IPv4 address behind its prefix. */
function hostPart(address: Uint8Array, length: number): number {
  const number = address.reduce((sum, byte) => sum * 256 + byte, 0);
  return number % 2 ** (32 - length);
}

/** Whether packets to an address go into the mesh: those to a LAN of the same range do not, but to its nodes. */
function isInside(address: Uint8Array, around: Surroundings): boolean {
  if (!around.meshPrefixes.some((prefix) => prefixContains(prefix, address))) return false;
  return !isNear(address, around) || around.isNode(formatAddress(address));
}

function rank(address: Uint8Array, around: Surroundings): number {
  if (around.proven.has(formatAddress(address))) return 0;
  if (isNear(address, around)) return 1;
  return isPrivate(address) ? 3 : 2;
}

function isNear(address: Uint8Array, { addresses }: Surroundings): boolean {
  return addresses.some((own) =>
    prefixContains({ address: maskAddress(own.address, own.prefixLength), length: own.prefixLength }, address),
  );
}
