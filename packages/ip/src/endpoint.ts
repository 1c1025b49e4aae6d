import { formatAddress, isIpv4Mapped, isLinkLocal, parseAddress } from './address.ts';

/**
 * An endpoint as a record of sixteen 32-bit words in an `Int32Array`, so that a table of them is one
 * buffer that C reads too, roaming is a copy of words, and comparing two costs no allocation.
 *
 * Addresses stand in network byte order exactly as they are on the wire: an IPv4 address in the first of
 * its four words, an IPv6 address in all four.
 */
export const ENDPOINT = {
  /** Words a record. */
  WORDS: 16,
  /** 0 (no endpoint), 4 or 6. */
  FAMILY: 0,
  /** UDP port, host order. */
  PORT: 1,
  /** Remote address, four words. */
  ADDRESS: 2,
  /** IPv6 scope of a link-local remote address. */
  SCOPE: 6,
  /** 1 when a sticky source is known, else 0. */
  HAS_SOURCE: 7,
  /** Local address that the peer used to reach us, four words. */
  SOURCE: 8,
  /** Interface index that the peer's packet arrived on. */
  SOURCE_INTERFACE: 12,
  /** Written by the data plane: 1 when UDP segmentation is off on this path. */
  NO_SEGMENTATION: 13,
} as const;

const PORT = /^(?:0|[1-9][0-9]{0,4})$/;
const SCOPE = /^[1-9][0-9]{0,9}$/;

/**
 * Reads `1.2.3.4:51820`, `[::1]:51820` or `[fe80::1%2]:51820` into a record of its own, or undefined.
 * Ports are 0–65535. Only a link-local address has a scope. An IPv4-mapped address becomes IPv4.
 * @param scopeIndex interface index of a scope written as a name (`%eth0`); without it names are refused
 */
export function parseEndpoint(
  text: string,
  scopeIndex: (name: string) => number | undefined = () => undefined,
): Int32Array | undefined {
  const colon = text.lastIndexOf(':');
  if (colon < 0) return undefined;
  const digits = text.slice(colon + 1);
  const port = Number(digits);
  if (!PORT.test(digits) || port > 65_535) return undefined;

  const host = text.slice(0, colon);
  if (!host.startsWith('[')) {
    const address = host.includes(':') ? undefined : parseAddress(host);
    return address && createEndpoint(address, port);
  }
  if (!host.endsWith(']')) return undefined;
  const percent = host.indexOf('%');
  const address = parseAddress(host.slice(1, percent < 0 ? -1 : percent));
  if (address?.length !== 16) return undefined;
  if (percent < 0) return createEndpoint(address, port);
  const scope = parseScope(host.slice(percent + 1, -1), scopeIndex);
  return scope !== undefined && isLinkLocal(address) ? createEndpoint(address, port, scope) : undefined;
}

/** Writes what `parseEndpoint` reads; an empty string for a record without an endpoint. */
export function formatEndpoint(record: Int32Array, slot = 0): string {
  const address = endpointAddressBytes(record, slot);
  if (address.length === 0) return '';
  const at = slot * ENDPOINT.WORDS;
  const scope = record[at + ENDPOINT.SCOPE]! >>> 0;
  const text = `${formatAddress(address)}${scope === 0 ? '' : `%${scope}`}`;
  return `${address.length === 4 ? text : `[${text}]`}:${record[at + ENDPOINT.PORT]}`;
}

/**
 * A record of its own, without a source.
 * @param address 4 or 16 bytes; an IPv4-mapped one becomes IPv4
 * @throws RangeError for another length
 */
export function createEndpoint(address: Uint8Array, port: number, scope = 0): Int32Array {
  const record = new Int32Array(ENDPOINT.WORDS);
  writeEndpoint(record, 0, address, port, scope);
  return record;
}

/** As `createEndpoint`, into a slot of a table; every other word of the slot is cleared. @throws RangeError */
export function writeEndpoint(table: Int32Array, slot: number, address: Uint8Array, port: number, scope = 0): void {
  if (address.length !== 4 && address.length !== 16) {
    throw new RangeError(`"address" expected Uint8Array of length 4 or 16, got ${address.length}`);
  }
  const bytes = isIpv4Mapped(address) ? address.subarray(12) : address;
  const at = slot * ENDPOINT.WORDS;
  table.fill(0, at, at + ENDPOINT.WORDS);
  table[at + ENDPOINT.FAMILY] = bytes.length === 4 ? 4 : 6;
  table[at + ENDPOINT.PORT] = port;
  table[at + ENDPOINT.SCOPE] = scope;
  // Through bytes: the words hold the address as it is on the wire, whatever the machine's byte order.
  wireBytes(table, at + ENDPOINT.ADDRESS, bytes.length).set(bytes);
}

/** A copy of the remote address: 4 or 16 bytes, or none for a slot without an endpoint. */
export function endpointAddressBytes(table: Int32Array, slot: number): Uint8Array {
  const at = slot * ENDPOINT.WORDS;
  return wireBytes(table, at + ENDPOINT.ADDRESS, addressLength(table[at + ENDPOINT.FAMILY])).slice();
}

/** Whether two slots name the same remote: family, address, scope and port. */
export function sameEndpoint(table: Int32Array, slotA: number, slotB: number): boolean {
  const a = slotA * ENDPOINT.WORDS;
  const b = slotB * ENDPOINT.WORDS;
  if (table[a + ENDPOINT.FAMILY] !== table[b + ENDPOINT.FAMILY]) return false;
  if (table[a + ENDPOINT.PORT] !== table[b + ENDPOINT.PORT]) return false;
  if (table[a + ENDPOINT.SCOPE] !== table[b + ENDPOINT.SCOPE]) return false;
  return sameWords(table, a + ENDPOINT.ADDRESS, b + ENDPOINT.ADDRESS, addressLength(table[a + ENDPOINT.FAMILY]) / 4);
}

/** Whether two slots name the same sticky source, or both none. */
export function sameSource(table: Int32Array, slotA: number, slotB: number): boolean {
  const a = slotA * ENDPOINT.WORDS;
  const b = slotB * ENDPOINT.WORDS;
  if (table[a + ENDPOINT.HAS_SOURCE] !== table[b + ENDPOINT.HAS_SOURCE]) return false;
  if (table[a + ENDPOINT.HAS_SOURCE] === 0) return true;
  if (table[a + ENDPOINT.SOURCE_INTERFACE] !== table[b + ENDPOINT.SOURCE_INTERFACE]) return false;
  if (table[a + ENDPOINT.FAMILY] !== table[b + ENDPOINT.FAMILY]) return false;
  return sameWords(table, a + ENDPOINT.SOURCE, b + ENDPOINT.SOURCE, addressLength(table[a + ENDPOINT.FAMILY]) / 4);
}

/** Copies all words of a record, from one table to the same or another one. */
export function copyEndpoint(from: Int32Array, fromSlot: number, to: Int32Array, toSlot: number): void {
  const source = fromSlot * ENDPOINT.WORDS;
  const target = toSlot * ENDPOINT.WORDS;
  for (let i = 0; i < ENDPOINT.WORDS; i++) to[target + i] = from[source + i]!;
}

function parseScope(text: string, scopeIndex: (name: string) => number | undefined): number | undefined {
  if (!SCOPE.test(text)) return /^[0-9]*$/.test(text) ? undefined : scopeIndex(text);
  const scope = Number(text);
  return scope <= 0xffff_ffff ? scope : undefined;
}

function addressLength(family: number | undefined): 0 | 4 | 16 {
  if (family === 4) return 4;
  return family === 6 ? 16 : 0;
}

function wireBytes(table: Int32Array, word: number, length: number): Uint8Array {
  return new Uint8Array(table.buffer, table.byteOffset + word * 4, length);
}

function sameWords(table: Int32Array, a: number, b: number, count: number): boolean {
  for (let i = 0; i < count; i++) if (table[a + i] !== table[b + i]) return false;
  return true;
}
