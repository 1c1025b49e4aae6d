/**
 * A path-compressed binary trie over addresses of 32 or 128 bits, in one `Int32Array`: 130,560 prefixes are
 * 8 MB, lookups allocate nothing, and no step recurses. Owners are small numbers from 1; 0 is nobody.
 *
 * A node without an owner is a fork and has two children, so there are fewer forks than prefixes. The
 * prefixes of an owner are also a list, in the order in which they were inserted.
 */

/** Words of a node; its address follows, one or four words, most significant first. */
const LENGTH = 0;
const OWNER = 1;
/** Child for a next bit of 0; the one for 1 stands behind it. */
const CHILD = 2;
const PARENT = 4;
/** The owner's prefixes before and behind this one. A free node has the next free one in NEXT. */
const PREVIOUS = 5;
const NEXT = 6;
const ADDRESS = 7;

const FIRST_NODES = 16;

export class Trie {
  /** Prefixes. */
  size = 0;
  /** Nodes in use, forks included. */
  nodeCount = 0;

  private readonly words: number;
  private readonly stride: number;
  /** Node 0 is no node. Nodes are named by where they start. */
  private nodes: Int32Array;
  private root = 0;
  private free = 0;
  private end: number;
  /** First and last node of each owner's list. */
  private lists: Int32Array = new Int32Array(16);
  private readonly key: Int32Array = new Int32Array(4);

  /** @param bits 32 or 128 */
  constructor(bits: number) {
    this.words = bits / 32;
    this.stride = ADDRESS + this.words;
    this.end = this.stride;
    this.nodes = new Int32Array(this.stride * FIRST_NODES);
  }

  /** Gives a prefix to an owner, and answers whose it was. The address has the trie's width; host bits are cleared. */
  insert(address: Uint8Array, length: number, owner: number): number {
    this.readKey(address, length);
    const node = this.place(length);
    const former = this.nodes[node + OWNER]!;
    if (former === owner) return former;
    if (former === 0) this.size++;
    else this.unlist(node);
    this.nodes[node + OWNER] = owner;
    this.list(node, owner);
    return former;
  }

  /** Removes a prefix if it is the owner's. */
  remove(address: Uint8Array, length: number, owner: number): boolean {
    this.readKey(address, length);
    const { nodes } = this;
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
    const { nodes } = this;
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
    const { nodes, key } = this;
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
    return this.lists[2 * owner] ?? 0;
  }

  /** The prefix behind one, of the same owner; 0 for none. */
  nextOf(node: number): number {
    return this.nodes[node + NEXT]!;
  }

  lengthOf(node: number): number {
    return this.nodes[node + LENGTH]!;
  }

  addressOf(node: number): Uint8Array {
    const address = new Uint8Array(4 * this.words);
    for (let i = 0; i < address.length; i++) {
      address[i] = this.nodes[node + ADDRESS + (i >> 2)]! >>> (24 - 8 * (i & 3));
    }
    return address;
  }

  private readKey(address: Uint8Array, length: number): void {
    for (let i = 0; i < this.words; i++) {
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
      const nodeLength = this.nodes[node + LENGTH]!;
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
    const { nodes } = this;
    this.unlist(node);
    nodes[node + OWNER] = 0;
    this.size--;
    const parent = nodes[node + PARENT]!;
    this.dissolve(node);
    // A fork that lost one of its two children is one no more.
    if (parent !== 0 && nodes[parent + OWNER] === 0) this.dissolve(parent);
  }

  /** Frees a node that has no owner, unless it has two children to hold apart. */
  private dissolve(node: number): void {
    const { nodes } = this;
    const zero = nodes[node + CHILD]!;
    const one = nodes[node + CHILD + 1]!;
    if (zero !== 0 && one !== 0) return;
    const child = zero + one;
    const parent = nodes[node + PARENT]!;
    if (child !== 0) nodes[child + PARENT] = parent;
    if (parent === 0) this.root = child;
    else nodes[parent + CHILD + (nodes[parent + CHILD] === node ? 0 : 1)] = child;
    this.release(node);
  }

  private attach(node: number, parent: number): void {
    const { nodes } = this;
    nodes[node + PARENT] = parent;
    if (parent === 0) this.root = node;
    else nodes[parent + CHILD + this.bitAt(node + ADDRESS, nodes, nodes[parent + LENGTH]!)] = node;
  }

  private childToward(node: number): number {
    return this.nodes[node + CHILD + this.bitAt(0, this.key, this.nodes[node + LENGTH]!)]!;
  }

  private bitAt(at: number, words: Int32Array, bit: number): number {
    return (words[at + (bit >> 5)]! >>> (31 - (bit & 31))) & 1;
  }

  /** How many leading bits the key shares with a node's address, which may be more than its length. */
  private commonBits(node: number): number {
    for (let i = 0; i < this.words; i++) {
      const difference = this.nodes[node + ADDRESS + i]! ^ this.key[i]!;
      if (difference !== 0) return 32 * i + Math.clz32(difference);
    }
    return 32 * this.words;
  }

  private list(node: number, owner: number): void {
    if (2 * owner + 1 >= this.lists.length) this.lists = grown(this.lists, 2 * owner + 2);
    const { nodes, lists } = this;
    const last = lists[2 * owner + 1]!;
    nodes[node + PREVIOUS] = last;
    nodes[node + NEXT] = 0;
    if (last === 0) lists[2 * owner] = node;
    else nodes[last + NEXT] = node;
    lists[2 * owner + 1] = node;
  }

  private unlist(node: number): void {
    const { nodes, lists } = this;
    const owner = nodes[node + OWNER]!;
    const previous = nodes[node + PREVIOUS]!;
    const next = nodes[node + NEXT]!;
    if (previous === 0) lists[2 * owner] = next;
    else nodes[previous + NEXT] = next;
    if (next === 0) lists[2 * owner + 1] = previous;
    else nodes[next + PREVIOUS] = previous;
  }

  /** A node of the key's first `length` bits. */
  private allocate(length: number): number {
    let node = this.free;
    if (node !== 0) {
      this.free = this.nodes[node + NEXT]!;
      this.nodes.fill(0, node, node + this.stride);
    } else {
      node = this.end;
      this.end += this.stride;
      if (this.end > this.nodes.length) this.nodes = grown(this.nodes, this.end);
    }
    this.nodeCount++;
    this.nodes[node + LENGTH] = length;
    for (let i = 0; i < this.words; i++) {
      const bits = Math.min(32, Math.max(0, length - 32 * i));
      if (bits > 0) this.nodes[node + ADDRESS + i] = this.key[i]! & (-1 << (32 - bits));
    }
    return node;
  }

  private release(node: number): void {
    this.nodeCount--;
    if (this.nodeCount > 0) {
      this.nodes[node + NEXT] = this.free;
      this.free = node;
      return;
    }
    this.nodes = new Int32Array(this.stride * FIRST_NODES);
    this.free = 0;
    this.end = this.stride;
  }
}

function readWord(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

/** A copy with room for `needed` words, and some more. */
function grown(words: Int32Array, needed: number): Int32Array {
  const larger = new Int32Array(Math.max(needed, Math.ceil(words.length * 1.5)));
  larger.set(words);
  return larger;
}
