/** Which addresses a network uses, and which of them a node gets. A node has one index, in IPv4 and IPv6 alike. */
import {
  formatAddress,
  maskAddress,
  type Prefix,
  parseAddress,
  parsePrefix,
  prefixContains,
  prefixesOverlap,
} from '@pcloud/ip';
import { expectKey } from './bytes.ts';
import { NetmapError } from './errors.ts';

/**
 * Networks in the order they are tried: the first that overlaps nothing the machine reaches already is taken.
 * Behind the default come ranges that home routers, K3s (10.42, 10.43), container engines (172.17 and up) and
 * clouds (10.128.0.0/9, 172.31) seldom use, then RFC 2544's, which nobody may use on the internet.
 */
export const CANDIDATE_NETWORKS: readonly string[] = [
  '10.0.0.0/16',
  '10.77.0.0/16',
  '10.99.0.0/16',
  '10.121.0.0/16',
  '10.177.0.0/16',
  '10.213.0.0/16',
  '172.30.0.0/16',
  '172.29.0.0/16',
  '198.18.0.0/16',
  '198.19.0.0/16',
];

/** How long an address rests once its node is gone: a week. */
export const ADDRESS_REST_MS: number = 7 * 24 * 60 * 60 * 1000;

/** The highest index, whatever a prefix has room for: 10.0.0.0/8 has no more. */
export const MAX_INDEX = 16_777_214;

/** The first candidate that overlaps none of these; undefined when all do. */
export function firstFreeNetwork(taken: readonly Prefix[]): Prefix | undefined {
  return CANDIDATE_NETWORKS.map((text) => parsePrefix(text)!).find(
    (candidate) => !taken.some((prefix) => prefixesOverlap(prefix, candidate)),
  );
}

/** The network's IPv6 prefix, a /64: RFC 4193 section 3.1 with the global id from the network's id (32 bytes). */
export function ulaFor(networkId: Uint8Array): Prefix {
  expectKey('network id', networkId);
  const address = new Uint8Array(16);
  address[0] = 0xfd;
  address.set(networkId.subarray(0, 5), 1);
  return { address, length: 64 };
}

/** How many nodes have room: indexes count from 1, and IPv4's last address is its broadcast. */
export function indexCapacity(prefix: Prefix): number {
  const hostBits = prefix.address.length * 8 - prefix.length;
  const usable = prefix.address.length === 4 ? 2 ** hostBits - 2 : 2 ** hostBits - 1;
  return Math.max(0, Math.min(usable, MAX_INDEX));
}

/**
 * The address of an index as text.
 * @throws NetmapError INVALID_VALUE when the prefix has no such index
 */
export function addressOf(prefix: Prefix, index: number): string {
  if (!Number.isInteger(index) || index < 1 || index > indexCapacity(prefix)) {
    throw new NetmapError('INVALID_VALUE', `index: expected 1 to ${indexCapacity(prefix)}, got ${index}`);
  }
  const bytes = maskAddress(prefix.address, prefix.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(bytes.length - 4, view.getUint32(bytes.length - 4) + index);
  return formatAddress(bytes);
}

/** The index of an address, or undefined when it is no node's address of this prefix. */
export function indexOf(prefix: Prefix, address: string): number | undefined {
  const bytes = parseAddress(address);
  if (bytes === undefined || !prefixContains(prefix, bytes)) return undefined;
  const base = maskAddress(prefix.address, prefix.length);
  const at = bytes.length - 4;
  const index = new DataView(bytes.buffer).getUint32(at) - new DataView(base.buffer).getUint32(at);
  const isNear = bytes.subarray(0, at).every((byte, i) => byte === base[i]);
  return isNear && index >= 1 && index <= indexCapacity(prefix) ? index : undefined;
}

/** What is known of a network's indexes. */
export interface IndexUse {
  /** Those that nodes have. */
  readonly taken: { has(index: number): boolean };
  /** When those that nodes had were given back, in wall time. */
  readonly freedAtMs: { get(index: number): number | undefined };
}

/** Whether a node may get this index now: nobody has it, and it does not rest. */
export function isIndexFree(index: number, use: IndexUse, wallMs: number): boolean {
  if (use.taken.has(index)) return false;
  const freedAtMs = use.freedAtMs.get(index);
  // Under a clock that went back it rests on.
  return freedAtMs === undefined || wallMs - freedAtMs >= ADDRESS_REST_MS;
}

/** The lowest free index, 1 for the first server; undefined when there is none. */
export function nextFreeIndex(prefix: Prefix, use: IndexUse, wallMs: number): number | undefined {
  const capacity = indexCapacity(prefix);
  for (let index = 1; index <= capacity; index++) if (isIndexFree(index, use, wallMs)) return index;
  return undefined;
}
