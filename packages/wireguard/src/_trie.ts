/**
 * A path-compressed binary trie over addresses of 32 or 128 bits: 130,560 prefixes are 8 MB, lookups
 * allocate nothing, and no step recurses. Owners are small numbers from 1; 0 is nobody.
 *
 * A node without an owner is a fork and has two children, so there are fewer forks than prefixes.
 */
import { ADDRESS, CHILD, LENGTH, NodePool, OWNER, PARENT } from './_trie-nodes.ts';

export class Trie {
  /** Prefixes. */
  size = 0;

  private readonly addressWords: number;
  private readonly pool: NodePool;
  private root = 0;
  /** The address that is being looked for. */
  private readonly key: Int32Array = new Int32Array(4);

  /** @param bits 32 or 128 */
  constructor(bits: number) {
    this.addressWords = bits / 32;
    this.pool = new NodePool(this.addressWords);
  }

  /** Nodes in use, forks included. */
  get nodeCount(): number {
    return this.pool.count;
  }

  /** Gives a prefix to an owner, and answers whose it was. The address has the trie's width; host bits are cleared. */
  insert(address: Uint8Array, length: number, owner: number): number {
    this.readKey(address, length);
    const node = this.place(length);
    const former = this.pool.words[node + OWNER]!;
    if (former === owner) return former;
    if (former === 0) this.size++;
    else this.pool.disown(node);
    this.pool.own(node, owner);
    return former;
  }

  /** Removes a prefix if it is the owner's. */
  remove(address: Uint8Array, length: number, owner: number): boolean {
    this.readKey(address, length);
    const nodes = this.pool.words;
    let node = this.root;
    while (node !== 0 && nodes[node + LENGTH]! < length) node = this.childToward(node);
    if (node === 0 || nodes[node + LENGTH] !== length || nodes[node + OWNER] !== owner) return false;
    if (this.commonBits(node) < length) return false;
    this.drop(node);
    return true;
  }

  /** Removes every prefix of an owner, at a cost that follows their number. */
  removeOwner(owner: number): void {
    for (let node = this.firstOf(owner); node !== 0; node = this.firstOf(owner)) this.drop(node);
  }

  /** The owner of the longest prefix that holds the address, 0 for none. */
  lookup4(word: number): number {
    const nodes = this.pool.words;
    let best = 0;
    let node = this.root;
    while (node !== 0) {
      const length = nodes[node + LENGTH]!;
      // A shift by 32 is one by 0.
      if (length > 0 && (nodes[node + ADDRESS]! ^ word) >>> (32 - length) !== 0) break;
      if (nodes[node + OWNER] !== 0) best = nodes[node + OWNER]!;
      if (length === 32) break;
      node = nodes[node + CHILD + ((word >>> (31 - length)) & 1)]!;
    }
    return best;
  }

  /** As `lookup4`, for 16 bytes at an offset. */
  lookup6(bytes: Uint8Array, at: number): number {
    const { key } = this;
    const nodes = this.pool.words;
    for (let i = 0; i < 4; i++) key[i] = readWord(bytes, at + 4 * i);
    let best = 0;
    let node = this.root;
    while (node !== 0) {
      const length = nodes[node + LENGTH]!;
      if (this.commonBits(node) < length) break;
      if (nodes[node + OWNER] !== 0) best = nodes[node + OWNER]!;
      if (length === 128) break;
      node = this.childToward(node);
    }
    return best;
  }

  /** The first prefix of an owner, 0 for none. */
  firstOf(owner: number): number {
    return this.pool.firstOf(owner);
  }

  /** The prefix behind one, of the same owner; 0 for none. */
  nextOf(node: number): number {
    return this.pool.nextOf(node);
  }

  lengthOf(node: number): number {
    return this.pool.words[node + LENGTH]!;
  }

  addressOf(node: number): Uint8Array {
    const address = new Uint8Array(4 * this.addressWords);
    for (let i = 0; i < address.length; i++) {
      address[i] = this.pool.words[node + ADDRESS + (i >> 2)]! >>> (24 - 8 * (i & 3));
    }
    return address;
  }

  private readKey(address: Uint8Array, length: number): void {
    for (let i = 0; i < this.addressWords; i++) {
      const bits = Math.min(32, Math.max(0, length - 32 * i));
      this.key[i] = bits === 0 ? 0 : readWord(address, 4 * i) & (-1 << (32 - bits));
    }
  }

  /** The node of the key's prefix, made where it is missing. */
  private place(length: number): number {
    let parent = 0;
    let node = this.root;
    let common = 0;
    while (node !== 0) {
      common = Math.min(this.commonBits(node), length);
      const nodeLength = this.pool.words[node + LENGTH]!;
      if (common < nodeLength) break;
      if (nodeLength === length) return node;
      parent = node;
      node = this.childToward(node);
    }

    const made = this.allocate(length);
    if (node === 0) {
      this.attach(made, parent);
    } else if (common === length) {
      this.attach(made, parent);
      this.attach(node, made);
    } else {
      const fork = this.allocate(common);
      this.attach(fork, parent);
      this.attach(node, fork);
      this.attach(made, fork);
    }
    return made;
  }

  private drop(node: number): void {
    const { pool } = this;
    pool.disown(node);
    this.size--;
    const parent = pool.words[node + PARENT]!;
    this.dissolve(node);
    // A fork that lost one of its two children is one no more.
    if (parent !== 0 && pool.words[parent + OWNER] === 0) this.dissolve(parent);
  }

  /** Frees a node that has no owner, unless it has two children to hold apart. */
  private dissolve(node: number): void {
    const nodes = this.pool.words;
    const zero = nodes[node + CHILD]!;
    const one = nodes[node + CHILD + 1]!;
    if (zero !== 0 && one !== 0) return;
    const child = zero + one;
    const parent = nodes[node + PARENT]!;
    if (child !== 0) nodes[child + PARENT] = parent;
    if (parent === 0) this.root = child;
    else nodes[parent + CHILD + (nodes[parent + CHILD] === node ? 0 : 1)] = child;
    this.pool.release(node);
  }

  private attach(node: number, parent: number): void {
    const nodes = this.pool.words;
    nodes[node + PARENT] = parent;
    if (parent === 0) this.root = node;
    else nodes[parent + CHILD + this.bitAt(node + ADDRESS, nodes, nodes[parent + LENGTH]!)] = node;
  }

  private childToward(node: number): number {
    return this.pool.words[node + CHILD + this.bitAt(0, this.key, this.pool.words[node + LENGTH]!)]!;
  }

  private bitAt(at: number, words: Int32Array, bit: number): number {
    return (words[at + (bit >> 5)]! >>> (31 - (bit & 31))) & 1;
  }

  /** How many leading bits the key shares with a node's address, which may be more than its length. */
  private commonBits(node: number): number {
    for (let i = 0; i < this.addressWords; i++) {
      const difference = this.pool.words[node + ADDRESS + i]! ^ this.key[i]!;
      if (difference !== 0) return 32 * i + Math.clz32(difference);
    }
    return 32 * this.addressWords;
  }

  /** A node of the key's first `length` bits. */
  private allocate(length: number): number {
    const node = this.pool.allocate(length);
    const { words } = this.pool;
    for (let i = 0; i < this.addressWords; i++) {
      const bits = Math.min(32, Math.max(0, length - 32 * i));
      if (bits > 0) words[node + ADDRESS + i] = this.key[i]! & (-1 << (32 - bits));
    }
    return node;
  }
}

function readWord(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}
