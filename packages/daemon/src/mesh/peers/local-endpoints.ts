import { createEndpoint, formatEndpoint, isIpv4Mapped, isLinkLocal } from '@pcloud/ip';
import type { AddressEvent } from '@pcloud/native';

/** Endpoints a node may name. */
export const MOST_ENDPOINTS = 32;

export interface LocalEndpointsOptions {
  /** UDP port that is listened on. */
  readonly port: number;
  /** Index of the mesh interface, 0 for none. */
  readonly ownIndex: number;
}

/** Where this machine's UDP port may be reached, as `ADDRESS:PORT`: public addresses before private, IPv4 before IPv6. */
export function localEndpoints(addresses: readonly AddressEvent[], options: LocalEndpointsOptions): string[] {
  const texts = new Map<string, number>();
  for (const { address, index, scope, temporary } of addresses) {
    // Scope 253 is this link, 254 this host: nobody else can send there. A privacy address soon goes away.
    if (index === options.ownIndex || scope >= 253 || temporary || !isReachable(address)) continue;
    texts.set(formatEndpoint(createEndpoint(address, options.port)), rank(address));
  }
  const sorted = [...texts].sort(([a, rankA], [b, rankB]) => rankA - rankB || (a < b ? -1 : 1));
  return sorted.slice(0, MOST_ENDPOINTS).map(([text]) => text);
}

/** Whether an address (4 or 16 bytes) can be somebody's place: not loopback, multicast, unspecified, broadcast or of one link. */
export function isReachable(address: Uint8Array): boolean {
  const [first, second] = address as unknown as [number, number];
  if (address.length === 4) {
    return first !== 0 && first !== 127 && first < 224 && !(first === 169 && second === 254);
  }
  // Unspecified, this host, and what once stood for IPv4 (RFC 4291 section 2.5.5.1).
  const isOfNoNetwork = address.subarray(0, 12).every((byte) => byte === 0);
  return !isOfNoNetwork && !isIpv4Mapped(address) && first !== 0xff && !isLinkLocal(address);
}

/** Whether an address is one of RFC 1918, RFC 6598 or RFC 4193, which mean something else elsewhere. */
export function isPrivate(address: Uint8Array): boolean {
  const [first, second] = address as unknown as [number, number];
  if (address.length === 16) return (first & 0xfe) === 0xfc;
  if (first === 10 || (first === 192 && second === 168)) return true;
  return (first === 172 && (second & 0xf0) === 16) || (first === 100 && (second & 0xc0) === 64);
}

function rank(address: Uint8Array): number {
  return (isPrivate(address) ? 2 : 0) + (address.length === 16 ? 1 : 0);
}
