/** Which addresses are the internet's: all but those of private and local networks and of many at once. */
import { formatPrefix, maskAddress, type Prefix, parsePrefix, prefixContains, prefixesOverlap } from '@pcloud/ip';

// RFC 6890's table as far as it is about networks of one's own; RFC 5771 and RFC 1112 (multicast and above).
const LOCAL_IPV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '224.0.0.0/3',
].map((text) => parsePrefix(text)!);

// RFC 4291 section 2.4 and IANA: global unicast is 2000::/3.
const INTERNET_IPV6: readonly Prefix[] = [parsePrefix('2000::/3')!];

const LOCAL: readonly Prefix[] = [...LOCAL_IPV4, ...without(parsePrefix('::/0')!, INTERNET_IPV6)];
const INTERNET: readonly Prefix[] = [...without(parsePrefix('0.0.0.0/0')!, LOCAL_IPV4), ...INTERNET_IPV6];

export function isInternet(address: Uint8Array): boolean {
  return INTERNET.some((prefix) => prefixContains(prefix, address));
}

/** The internet of one family; `addressLength` is 4 or 16. */
export function internetPrefixes(addressLength: number): readonly Prefix[] {
  return INTERNET.filter((prefix) => prefix.address.length === addressLength);
}

/** The parts of a block that are not the internet's. */
export function localParts(block: Prefix): Prefix[] {
  return LOCAL.flatMap((local) => intersection(local, block) ?? []);
}

/** What lies in both, which is the smaller of both or nothing. */
export function intersection(a: Prefix, b: Prefix): Prefix | undefined {
  if (!prefixesOverlap(a, b)) return undefined;
  return a.length > b.length ? a : b;
}

/** Blocks in canonical text and in order, none twice. */
export function formatPrefixes(prefixes: readonly Prefix[]): string[] {
  return [...new Set(prefixes.map(formatPrefix))].sort();
}

function without(block: Prefix, removed: readonly Prefix[]): Prefix[] {
  const within = removed.filter((prefix) => prefixesOverlap(prefix, block));
  if (within.length === 0) return [block];
  if (within.some((prefix) => prefix.length <= block.length)) return [];
  const length = block.length + 1;
  const upper = block.address.slice();
  upper[block.length >> 3] = upper[block.length >> 3]! | (0x80 >> (block.length & 7));
  const halves = [maskAddress(block.address, length), upper].map((address) => ({ address, length }));
  return halves.flatMap((half) => without(half, within));
}
