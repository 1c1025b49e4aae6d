/**
 * The memory of a trie: nodes side by side in one `Int32Array`, named by where they start, and for each
 * owner the list of its nodes in the order in which they came. Node 0 is no node.
 */

/** Words of a node; its address follows, one or four words, most significant first. */
export const LENGTH = 0;
export const OWNER = 1;
/** Child for a next bit of 0; the one for 1 stands behind it. */
export const CHILD = 2;
export const PARENT = 4;
/** The owner's nodes before and behind this one. A free node has the next free one in NEXT. */
const PREVIOUS = 5;
const NEXT = 6;
export const ADDRESS = 7;

const FIRST_NODES = 16;

export class NodePool {
  /** The nodes. Another array after `allocate` and `release`. */
  words: Int32Array;
  /** Nodes in use. */
  count = 0;

  private readonly stride: number;
  private free = 0;
  private end: number;
  /** First and last node of each owner's list. */
  private lists: Int32Array = new Int32Array(16);

  /** @param addressWords one or four */
  constructor(addressWords: number) {
    this.stride = ADDRESS + addressWords;
    this.end = this.stride;
    this.words = new Int32Array(this.stride * FIRST_NODES);
  }

  /** A node of zeros but for its length. */
  allocate(length: number): number {
    let node = this.free;
    if (node !== 0) {
      this.free = this.words[node + NEXT]!;
      this.words.fill(0, node, node + this.stride);
    } else {
      node = this.end;
      this.end += this.stride;
      if (this.end > this.words.length) this.words = grown(this.words, this.end);
    }
    this.count++;
    this.words[node + LENGTH] = length;
    return node;
  }

  /** Frees a node; with the last one the memory goes too. */
  release(node: number): void {
    this.count--;
    if (this.count > 0) {
      this.words[node + NEXT] = this.free;
      this.free = node;
      return;
    }
    this.words = new Int32Array(this.stride * FIRST_NODES);
    this.free = 0;
    this.end = this.stride;
  }

  /** Gives a node that has no owner to one, at the end of its list. */
  own(node: number, owner: number): void {
    if (2 * owner + 1 >= this.lists.length) this.lists = grown(this.lists, 2 * owner + 2);
    const { words, lists } = this;
    const last = lists[2 * owner + 1]!;
    words[node + OWNER] = owner;
    words[node + PREVIOUS] = last;
    words[node + NEXT] = 0;
    if (last === 0) lists[2 * owner] = node;
    else words[last + NEXT] = node;
    lists[2 * owner + 1] = node;
  }

  /** Takes a node from its owner. */
  disown(node: number): void {
    const { words, lists } = this;
    const owner = words[node + OWNER]!;
    const previous = words[node + PREVIOUS]!;
    const next = words[node + NEXT]!;
    words[node + OWNER] = 0;
    if (previous === 0) lists[2 * owner] = next;
    else words[previous + NEXT] = next;
    if (next === 0) lists[2 * owner + 1] = previous;
    else words[next + PREVIOUS] = previous;
  }

  /** The first node of an owner, 0 for none. */
  firstOf(owner: number): number {
    return this.lists[2 * owner] ?? 0;
  }

  /** The node behind one in its owner's list, 0 for none. */
  nextOf(node: number): number {
    return this.words[node + NEXT]!;
  }
}

/** A copy with room for `needed` words, and some more. */
function grown(words: Int32Array, needed: number): Int32Array {
  const larger = new Int32Array(Math.max(needed, Math.ceil(words.length * 1.5)));
  larger.set(words);
  return larger;
}
