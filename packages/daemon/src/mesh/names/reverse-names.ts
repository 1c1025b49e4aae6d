/** Names of addresses: RFC 1035 section 3.5, RFC 3596 section 2.5. */
import { type Prefix, prefixContains } from '@pcloud/ip';

/** The front of an address, as far as a name goes. */
export interface ReverseName {
  /** 4 or 16 bytes; what the name does not say is zero. */
  readonly address: Uint8Array;
  readonly knownBits: number;
  /** Labels in front of the deepest that can be part of an address. */
  readonly hasMore: boolean;
}

const OCTET = /^(?:0|[1-9][0-9]{0,2})$/;
const NIBBLE = /^[0-9a-f]$/;

/** What `2.0.0.10.in-addr.arpa` says, from labels in lower case; undefined when it is another kind of name. */
export function parseReverseName(labels: readonly string[]): ReverseName | undefined {
  if (labels.at(-1) !== 'arpa') return undefined;
  const digits = labels.slice(0, -2).reverse();
  if (labels.at(-2) === 'in-addr') {
    const address = new Uint8Array(4);
    const known = takeWhile(digits.slice(0, 4), (digit) => OCTET.test(digit) && Number(digit) <= 255);
    for (const [i, digit] of known.entries()) address[i] = Number(digit);
    return { address, knownBits: known.length * 8, hasMore: known.length < digits.length };
  }
  if (labels.at(-2) === 'ip6') {
    const address = new Uint8Array(16);
    const known = takeWhile(digits.slice(0, 32), (digit) => NIBBLE.test(digit));
    for (const [i, digit] of known.entries()) address[i >> 1]! |= Number.parseInt(digit, 16) << (i & 1 ? 0 : 4);
    return { address, knownBits: known.length * 4, hasMore: known.length < digits.length };
  }
  return undefined;
}

/** The whole name of an address. */
export function reverseNameOf(address: Uint8Array): string {
  return reverseZone(address, address.length * 8);
}

/** The zones that hold the names of a prefix: more than one where it ends inside a label. */
export function reverseZones(prefix: Prefix): string[] {
  const step = prefix.address.length === 4 ? 8 : 4;
  const bits = Math.max(step, Math.ceil(prefix.length / step) * step);
  const zones: string[] = [];
  for (let number = 0; number < 2 ** (bits - prefix.length); number++) {
    const address = Uint8Array.from(prefix.address);
    address[(bits >> 3) - (bits & 7 ? 0 : 1)]! |= bits & 7 ? number << 4 : number;
    zones.push(reverseZone(address, bits));
  }
  return zones;
}

/** The zone of a prefix that an address lies in. */
export function reverseZoneOf(prefix: Prefix, address: Uint8Array): string {
  const step = address.length === 4 ? 8 : 4;
  return reverseZone(address, Math.max(step, Math.ceil(prefix.length / step) * step));
}

/** Whether all that a name can stand for lies in the prefix. */
export function isReverseWithin(prefix: Prefix, { address, knownBits }: ReverseName): boolean {
  return knownBits >= prefix.length && prefixContains(prefix, address);
}

function reverseZone(address: Uint8Array, bits: number): string {
  const isIpv4 = address.length === 4;
  const digits = isIpv4
    ? [...address].map(String)
    : [...address].flatMap((byte) => [(byte >> 4).toString(16), (byte & 15).toString(16)]);
  const suffix = isIpv4 ? 'in-addr.arpa' : 'ip6.arpa';
  return [...digits.slice(0, bits / (isIpv4 ? 8 : 4)).reverse(), suffix].join('.');
}

function takeWhile<T>(items: readonly T[], isGood: (item: T) => boolean): T[] {
  const end = items.findIndex((item) => !isGood(item));
  return end < 0 ? [...items] : items.slice(0, end);
}
