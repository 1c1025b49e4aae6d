/** Where a request comes from, and what that allows. */
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { type Prefix, parseAddress, prefixContains } from '@pcloud/ip';

export interface Connection {
  /** The Unix socket is root's; everything else came over a network. */
  readonly listener: 'network' | 'unix';
  readonly isEncrypted: boolean;
  /** Whether a proxy passed it on, by its own word or because its address is a proxy's. */
  readonly isForwarded: boolean;
  readonly localAddress: string;
  readonly remoteAddress: string;
  /** Who asks: the peer, or whom a trusted proxy names. */
  readonly source: string;
}

/** What a request's handler is given beside the request. */
export interface HttpBindings {
  readonly connection: Connection;
}

const FORWARDING_HEADERS = ['x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'forwarded', 'via'];

export const UNIX_CONNECTION: Connection = {
  listener: 'unix',
  isEncrypted: false,
  isForwarded: false,
  localAddress: '',
  remoteAddress: '',
  source: 'local',
};

export function describeConnection(request: IncomingMessage, trustedProxies: readonly Prefix[]): Connection {
  const { socket, headers } = request;
  const remoteAddress = plainAddress(socket.remoteAddress ?? '');
  const isProxy = isWithin(remoteAddress, trustedProxies);
  return {
    listener: 'network',
    isEncrypted: (socket as TLSSocket).encrypted === true,
    isForwarded: isProxy || FORWARDING_HEADERS.some((name) => headers[name] !== undefined),
    localAddress: plainAddress(socket.localAddress ?? ''),
    remoteAddress,
    source: (isProxy && lastForwardedFor(headers['x-forwarded-for'])) || remoteAddress,
  };
}

/** What the network gives a server on its tunnel. */
export interface MeshAddresses {
  readonly prefixes: readonly Prefix[];
  /** This machine's own. */
  readonly own: ReadonlySet<string>;
}

/**
 * Whether a connection never left this machine or the tunnel. Both ends count: a neighbour on the LAN can send to
 * a tunnel's address, too, but answers to one of the tunnel's addresses go into the tunnel.
 */
export function isInside(connection: Connection, mesh: MeshAddresses): boolean {
  const { localAddress, remoteAddress, isForwarded } = connection;
  if (isForwarded) return false;
  if (isLoopback(localAddress) && isLoopback(remoteAddress)) return true;
  return mesh.own.has(localAddress) && isWithin(remoteAddress, mesh.prefixes);
}

export function isWithin(address: string, prefixes: readonly Prefix[]): boolean {
  const bytes = parseAddress(address);
  return bytes !== undefined && prefixes.some((prefix) => prefixContains(prefix, bytes));
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^127(?:\.\d{1,3}){3}$/.test(address);
}

/** IPv4 as itself where a socket for both families writes it into IPv6, and no zone. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
}

/** Only the last entry is the proxy's own word; those before are whatever the client wrote. */
function lastForwardedFor(header: string | string[] | undefined): string | undefined {
  const last = [header ?? ''].flat().join(',').split(',').at(-1)!.trim();
  return parseAddress(last) && plainAddress(last);
}
