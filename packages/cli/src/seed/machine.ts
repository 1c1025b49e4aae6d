/** What a seed has to know of the machine's network before it starts. */
import { readFileSync } from 'node:fs';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { maskAddress, type Prefix, parsePrefix } from '@pcloud/ip';

type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

/**
 * IPv4 ranges that this machine reaches otherwise than through the interface named.
 * @param routes what `/proc/net/route` says
 */
export function rangesInUse(
  except: string,
  interfaces: Interfaces = networkInterfaces(),
  routes: string = readRoutes(),
): Prefix[] {
  const found = Object.entries(interfaces)
    .filter(([name]) => name !== except)
    .flatMap(([, infos]) => infos ?? [])
    .filter((info) => info.family === 'IPv4' && !info.internal)
    .map((info) => parsePrefix(info.cidr ?? `${info.address}/32`))
    .filter((prefix) => prefix !== undefined);
  return [
    ...found.map(({ address, length }) => ({ address: maskAddress(address, length), length })),
    ...parseRoutes(routes, except),
  ];
}

/** Routes of `/proc/net/route`, but for default ones, which give way to whatever is more exact. */
function parseRoutes(text: string, except: string): Prefix[] {
  return text
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t'))
    .filter((fields) => fields.length > 7 && fields[0] !== except)
    .map((fields) => ({ address: littleEndian(fields[1]!), length: bitsOf(littleEndian(fields[7]!)) }))
    .filter(({ length }) => length > 0);
}

/** The kernel writes addresses as numbers, in the byte order of the machine; all that Node runs on are little-endian. */
function littleEndian(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex')).reverse();
}

function bitsOf(mask: Uint8Array): number {
  return mask.reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0);
}

function readRoutes(): string {
  try {
    return readFileSync('/proc/net/route', 'utf8');
  } catch {
    return '';
  }
}

/** Whether this machine speaks IPv6 at all. */
export function hasIpv6(): boolean {
  try {
    return readFileSync('/proc/net/if_inet6', 'utf8') !== '';
  } catch {
    return false;
  }
}

/** Names of interfaces that lead to containers and virtual machines of this host. */
const INNER = /^(?:docker|br-|veth|virbr|cni|flannel|cali|lxc|podman|tun|tap|wg)/;
/** As many as a join link holds. */
const MOST_URLS = 8;

/**
 * URLs by which others may reach this machine: its addresses, IPv4 first, those of containers' bridges last.
 * @param except the mesh's interface
 */
export function ownUrls(port: number, except: string, interfaces: Interfaces = networkInterfaces()): string[] {
  const found = Object.entries(interfaces)
    .filter(([name]) => name !== except)
    .flatMap(([name, infos]) => (infos ?? []).map((info) => ({ ...info, rank: rankOf(name, info) })))
    .filter((info) => !info.internal && !(info.family === 'IPv6' && info.scopeid !== 0))
    .sort((a, b) => a.rank - b.rank);
  const urls = found.map(({ address, family }) => urlOf(family === 'IPv6' ? `[${address}]` : address, port));
  // A machine of its own can still be tried out.
  return urls.length === 0 ? [urlOf('127.0.0.1', port)] : [...new Set(urls)].slice(0, MOST_URLS);
}

function rankOf(name: string, info: NetworkInterfaceInfo): number {
  return (INNER.test(name) ? 2 : 0) + (info.family === 'IPv6' ? 1 : 0);
}

/** As a URL is written everywhere: without the port where it is HTTPS's own. */
export function urlOf(host: string, port: number): string {
  return new URL(`https://${host}:${port}`).origin;
}
