import { type Prefix, parsePrefix } from '@pcloud/ip';

/** Blocks of addresses of both families. */
export interface PrefixList {
  readonly isEmpty: boolean;
  /** Whether the address at an offset, 4 or 16 bytes, lies in one of them. Allocates nothing. */
  has(bytes: Uint8Array, at: number, isV6: boolean): boolean;
}

/** Those of the texts that are prefixes or addresses; any other text is none. */
export function createPrefixList(texts: readonly string[]): PrefixList {
  const v4: Prefix[] = [];
  const v6: Prefix[] = [];
  for (const text of texts) {
    const prefix = parsePrefix(text);
    if (prefix !== undefined) (prefix.address.length === 4 ? v4 : v6).push(prefix);
  }
  return {
    isEmpty: v4.length + v6.length === 0,
    has(bytes, at, isV6) {
      const list = isV6 ? v6 : v4;
      for (let i = 0; i < list.length; i++) if (holds(list[i]!, bytes, at)) return true;
      return false;
    },
  };
}

function holds({ address, length }: Prefix, bytes: Uint8Array, at: number): boolean {
  const whole = length >> 3;
  for (let i = 0; i < whole; i++) if (address[i] !== bytes[at + i]) return false;
  const rest = 0xff & (0xff00 >> (length & 7));
  return rest === 0 || ((address[whole]! ^ bytes[at + whole]!) & rest) === 0;
}
