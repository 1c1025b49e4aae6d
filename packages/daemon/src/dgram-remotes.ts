import { ENDPOINT, endpointAddressBytes, formatAddress, isLinkLocal, parseAddress, writeEndpoint } from '@pcloud/ip';
import type { Scopes } from './scopes.ts';

/** Addresses as text, the way node:dgram has them, to endpoint records and back, remembered. */
export interface Remotes {
  /** Writes where a datagram came from into a slot. False for text that is no address. */
  write(table: Int32Array, slot: number, address: string, port: number): boolean;
  /** The address of a slot, with the scope's name for a link-local one. */
  format(table: Int32Array, slot: number): string;
}

/** Entries kept, so that a flood from spoofed sources cannot grow it. */
const CACHE_ENTRIES = 4_096;

/** Remembers in both directions: text is read once for each remote, not once for each packet. */
export function createRemotes(scopes: Scopes): Remotes {
  const parsed = new Map<string, { bytes: Uint8Array; scope: number }>();
  const ipv4Texts = new Map<number, string>();

  function parse(text: string): { bytes: Uint8Array; scope: number } | undefined {
    const percent = text.indexOf('%');
    const bytes = parseAddress(percent < 0 ? text : text.slice(0, percent));
    return bytes && { bytes, scope: percent < 0 ? 0 : scopes.indexOf(text.slice(percent + 1)) };
  }

  function formatSlot(table: Int32Array, slot: number): string {
    const bytes = endpointAddressBytes(table, slot);
    if (bytes.length === 0) return '';
    const text = formatAddress(bytes);
    const scope = table[slot * ENDPOINT.WORDS + ENDPOINT.SCOPE]!;
    const name = scope !== 0 && isLinkLocal(bytes) ? scopes.nameOf(scope) : undefined;
    return name === undefined ? text : `${text}%${name}`;
  }

  return {
    write(table, slot, address, port) {
      let remote = parsed.get(address);
      if (!remote) {
        remote = parse(address);
        if (!remote) return false;
        if (parsed.size >= CACHE_ENTRIES) parsed.clear();
        parsed.set(address, remote);
      }
      writeEndpoint(table, slot, remote.bytes, port, remote.scope);
      return true;
    },
    format(table, slot) {
      const at = slot * ENDPOINT.WORDS;
      if (table[at + ENDPOINT.FAMILY] !== 4) return formatSlot(table, slot);
      const word = table[at + ENDPOINT.ADDRESS]!;
      let text = ipv4Texts.get(word);
      if (text === undefined) {
        text = formatSlot(table, slot);
        if (ipv4Texts.size >= CACHE_ENTRIES) ipv4Texts.clear();
        ipv4Texts.set(word, text);
      }
      return text;
    },
  };
}
