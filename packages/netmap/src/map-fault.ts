/**
 * What no map may say, whoever sends it: a network may have private ranges and names of its own, and nothing of the
 * world outside. A coordinator that was taken over could else have a device send it all that the device sends.
 */
import { formatPrefix, type Prefix, parsePrefix, prefixContains } from '@pcloud/ip';
import { indexOf, ulaFor } from './addressing.ts';
import type { NetworkMap } from './map.ts';
import { parseNetworkId } from './network-id.ts';

/** Ranges that mean nothing on the internet: RFC 1918, RFC 6598, RFC 2544. */
const PRIVATE_RANGES: readonly Prefix[] = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '198.18.0.0/15',
].map((text) => parsePrefix(text)!);

/** For people. */
export const MESH_RANGES: string = '10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10 or 198.18.0.0/15';

/** Whether an IPv4 range can be a network's: private, and with room for a node. */
export function isMeshRange({ address, length }: Prefix): boolean {
  const isPrivate = PRIVATE_RANGES.some((range) => range.length <= length && prefixContains(range, address));
  return address.length === 4 && length <= 30 && isPrivate;
}

/** Domains that nobody has on the internet, and none can be given to: ours, ICANN's for inside, RFC 8375. */
const INNER_DOMAIN = /(?:^|\.)(?:pcloud|internal|home\.arpa)$/;

/** Why a map is refused, in words for a log; undefined when it is one that a network can have. */
export function mapFault({ network, self }: NetworkMap): string | undefined {
  const id = parseNetworkId(network.id);
  if (id === undefined) return 'it names no network';
  const ula = formatPrefix(ulaFor(id));
  const prefixes: Prefix[] = [];
  for (const text of network.prefixes) {
    const prefix = parsePrefix(text);
    const isGood = prefix && formatPrefix(prefix) === text && (isMeshRange(prefix) || text === ula);
    if (!isGood) return `its range ${text} is none that a network can have`;
    if (prefixes.some(({ address }) => address.length === prefix.address.length)) return 'it has two ranges of a kind';
    prefixes.push(prefix);
  }
  if (!INNER_DOMAIN.test(network.domain)) return `names in ${network.domain} are not a network's`;
  const isOutside = self.addresses.find((text) => !prefixes.some((prefix) => indexOf(prefix, text) !== undefined));
  if (isOutside !== undefined) return `it gives this device the address ${isOutside}, which is none of its ranges`;
  return self.addresses.length > prefixes.length ? 'it gives this device two addresses of a kind' : undefined;
}
