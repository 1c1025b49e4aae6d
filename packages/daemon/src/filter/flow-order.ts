import { WORTHS } from './flow-state.ts';

/** Flows of each node and worth, in the order in which they were last used. */
export class FlowOrder {
  private before: Int32Array;
  private after: Int32Array;
  private worths: Uint8Array;
  /** First and last flow of each node and worth, -1 for none; and how many flows each node has. */
  private first: Int32Array = new Int32Array(0);
  private last: Int32Array = new Int32Array(0);
  private counts: Int32Array = new Int32Array(0);

  constructor(capacity: number) {
    this.before = new Int32Array(capacity);
    this.after = new Int32Array(capacity);
    this.worths = new Uint8Array(capacity);
  }

  /** Makes room for more flows. */
  grow(capacity: number): void {
    this.before = larger(this.before, capacity, 0);
    this.after = larger(this.after, capacity, 0);
    const worths = new Uint8Array(capacity);
    worths.set(this.worths);
    this.worths = worths;
  }

  append(flow: number, node: number, worth: number): void {
    if (node >= this.counts.length) this.addNodes(node);
    const list = node * WORTHS + worth;
    const last = this.last[list]!;
    this.worths[flow] = worth;
    this.before[flow] = last;
    this.after[flow] = -1;
    if (last < 0) this.first[list] = flow;
    else this.after[last] = flow;
    this.last[list] = flow;
    this.counts[node] = this.counts[node]! + 1;
  }

  remove(flow: number, node: number): void {
    const list = node * WORTHS + this.worths[flow]!;
    const before = this.before[flow]!;
    const after = this.after[flow]!;
    if (before < 0) this.first[list] = after;
    else this.after[before] = after;
    if (after < 0) this.last[list] = before;
    else this.before[after] = before;
    this.counts[node] = this.counts[node]! - 1;
  }

  /** The flow that was not used for longest, or -1. */
  oldest(node: number, worth: number): number {
    return node < this.counts.length ? this.first[node * WORTHS + worth]! : -1;
  }

  countOf(node: number): number {
    return this.counts[node] ?? 0;
  }

  /** The node that has most flows. */
  largest(): number {
    let largest = 0;
    for (let node = 1; node < this.counts.length; node++) {
      if (this.counts[node]! > this.counts[largest]!) largest = node;
    }
    return largest;
  }

  flowsOf(node: number): number[] {
    const flows: number[] = [];
    for (let worth = 0; worth < WORTHS; worth++) {
      for (let flow = this.oldest(node, worth); flow >= 0; flow = this.after[flow]!) flows.push(flow);
    }
    return flows;
  }

  private addNodes(node: number): void {
    const nodes = Math.max(16, 2 * node);
    this.first = larger(this.first, nodes * WORTHS, -1);
    this.last = larger(this.last, nodes * WORTHS, -1);
    this.counts = larger(this.counts, nodes, 0);
  }
}

function larger(words: Int32Array, length: number, fill: number): Int32Array {
  const result = new Int32Array(length).fill(fill, words.length);
  result.set(words);
  return result;
}
