/** Which peer owns an address: crypto-key routing, whitepaper section 2. */
import { Trie } from './_trie.ts';
import { WireGuardError } from './errors.ts';

/** Prefixes of both families, each with one owner; the longest that holds an address decides. */
export interface AllowedIps<T> {
  /** Prefixes of both families. */
  readonly size: number;
  /** Nodes in memory, for tests and figures: less than twice `size`. */
  readonly nodeCount: number;
  /**
   * Gives a prefix to an owner. Host bits are cleared; one that another owner has moves.
   * @param address 4 or 16 bytes; copied
   * @param length bits, 0 for every address of the family
   * @throws WireGuardError INVALID_VALUE for an address or a length that is neither family's
   */
  insert(address: Uint8Array, length: number, owner: T): void;
  /** Removes exactly this prefix if it is the owner's, and answers whether. @throws as `insert` */
  remove(address: Uint8Array, length: number, owner: T): boolean;
  /** Removes all of an owner's prefixes; the cost follows their number. */
  removeOwner(owner: T): void;
  /** The owner of an IPv4 address, a big-endian word, signed or unsigned. Allocates nothing. */
  lookup4(word: number): T | undefined;
  /** The owner of the IPv6 address at an offset: 16 bytes, which must be there. Allocates nothing. */
  lookup6(bytes: Uint8Array, at: number): T | undefined;
  /** An owner's prefixes: IPv4, then IPv6, each in the order inserted. Insert and remove nothing meanwhile. */
  entries(owner: T): Iterable<{ address: Uint8Array; length: number }>;
}

/** An empty table. */
export function createAllowedIps<T>(): AllowedIps<T> {
  const trie4 = new Trie(32);
  const trie6 = new Trie(128);
  // The tries know owners by number; 0 is nobody.
  const owners: (T | undefined)[] = [undefined];
  const numbers = new Map<T, number>();
  const freeNumbers: number[] = [];

  const numberOf = (owner: T): number => {
    let number = numbers.get(owner);
    if (number === undefined) {
      number = freeNumbers.pop() ?? owners.length;
      numbers.set(owner, number);
      owners[number] = owner;
    }
    return number;
  };

  const forgetIfEmpty = (number: number): void => {
    if (number === 0 || trie4.firstOf(number) !== 0 || trie6.firstOf(number) !== 0) return;
    numbers.delete(owners[number]!);
    owners[number] = undefined;
    freeNumbers.push(number);
  };

  const trieFor = (address: Uint8Array, length: number): Trie => {
    const bits = address.length * 8;
    if (bits !== 32 && bits !== 128) {
      throw new WireGuardError('INVALID_VALUE', `prefix: expected 4 or 16 bytes, got ${address.length}`);
    }
    if (!Number.isInteger(length) || length < 0 || length > bits) {
      throw new WireGuardError('INVALID_VALUE', `prefix length: expected 0 to ${bits}, got ${length}`);
    }
    return bits === 32 ? trie4 : trie6;
  };

  return {
    get size() {
      return trie4.size + trie6.size;
    },
    get nodeCount() {
      return trie4.nodeCount + trie6.nodeCount;
    },

    insert(address, length, owner) {
      const trie = trieFor(address, length);
      const number = numberOf(owner);
      const former = trie.insert(address, length, number);
      if (former !== number) forgetIfEmpty(former);
    },

    remove(address, length, owner) {
      const trie = trieFor(address, length);
      const number = numbers.get(owner);
      if (number === undefined || !trie.remove(address, length, number)) return false;
      forgetIfEmpty(number);
      return true;
    },

    removeOwner(owner) {
      const number = numbers.get(owner);
      if (number === undefined) return;
      trie4.removeOwner(number);
      trie6.removeOwner(number);
      forgetIfEmpty(number);
    },

    lookup4: (word) => owners[trie4.lookup4(word)],
    lookup6: (bytes, at) => owners[trie6.lookup6(bytes, at)],

    *entries(owner) {
      const number = numbers.get(owner);
      if (number === undefined) return;
      for (const trie of [trie4, trie6]) {
        for (let node = trie.firstOf(number); node !== 0; node = trie.nextOf(node)) {
          yield { address: trie.addressOf(node), length: trie.lengthOf(node) };
        }
      }
    },
  };
}
