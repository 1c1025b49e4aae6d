import type { FlowLimits } from './constants.ts';
import { FLOW_KEY } from './flow-key.ts';
import { FlowOrder } from './flow-order.ts';
import { WORTH, WORTHS } from './flow-state.ts';

const FIRST_CAPACITY = 256;
/** Expired flows that one new flow makes room by, of each worth. */
const SWEEP = 2;

/**
 * Flows by their names, in records of whole numbers: a packet allocates nothing. A node that has all the flows
 * it may have gives up its least worthy, and of those the one that was silent for longest; when all nodes
 * together have too many, the one that has most gives up one. So no flood of one node ends what others have,
 * and none of new flows ends a connection.
 */
export class FlowTable {
  private readonly limits: FlowLimits;
  private readonly seed: number;
  private readonly counters: { 'flows-evicted': number };
  private capacity = FIRST_CAPACITY;
  private keys: Int32Array = new Int32Array(FIRST_CAPACITY * FLOW_KEY.WORDS);
  private states: Uint8Array = new Uint8Array(FIRST_CAPACITY);
  private expires: Float64Array = new Float64Array(FIRST_CAPACITY);
  /** First flow of each bucket, and the next in the same bucket; the free ones are in a chain too. */
  private buckets: Int32Array = new Int32Array(FIRST_CAPACITY).fill(-1);
  private chain: Int32Array = new Int32Array(FIRST_CAPACITY);
  private firstFree = -1;
  private used = 0;
  /** Flows that are remembered, some of which may have expired. */
  size = 0;
  private readonly order: FlowOrder = new FlowOrder(FIRST_CAPACITY);

  /** @param seed unpredictable, so that nobody can choose flows of one bucket */
  constructor(limits: FlowLimits, seed: number, counters: { 'flows-evicted': number }) {
    this.limits = limits;
    this.seed = seed;
    this.counters = counters;
  }

  /** The flow of this name, or -1. */
  find(key: Int32Array, now: number): number {
    let flow = this.buckets[this.bucketOf(key, 0)]!;
    while (flow >= 0 && !this.isNamed(flow, key)) flow = this.chain[flow]!;
    if (flow < 0 || this.expires[flow]! > now) return flow;
    this.remove(flow);
    return -1;
  }

  /** Adds a flow, of which there must be none of this name. */
  add(key: Int32Array, now: number): number {
    const node = key[FLOW_KEY.NODE]!;
    this.makeRoom(node, now);
    const flow = this.takeRecord();
    this.keys.set(key, flow * FLOW_KEY.WORDS);
    const bucket = this.bucketOf(this.keys, flow * FLOW_KEY.WORDS);
    this.chain[flow] = this.buckets[bucket]!;
    this.buckets[bucket] = flow;
    this.states[flow] = 0;
    this.order.append(flow, node, WORTH.UNANSWERED);
    this.size++;
    return flow;
  }

  state(flow: number): number {
    return this.states[flow]!;
  }

  /** Word of the name of a flow. */
  keyWord(flow: number, word: number): number {
    return this.keys[flow * FLOW_KEY.WORDS + word]!;
  }

  /** Notes a packet of the flow. */
  touch(flow: number, state: number, worth: number, expiresAt: number): void {
    this.states[flow] = state;
    this.expires[flow] = expiresAt;
    const node = this.keyWord(flow, FLOW_KEY.NODE);
    this.order.remove(flow, node);
    this.order.append(flow, node, worth);
  }

  remove(flow: number): void {
    this.order.remove(flow, this.keyWord(flow, FLOW_KEY.NODE));
    const bucket = this.bucketOf(this.keys, flow * FLOW_KEY.WORDS);
    if (this.buckets[bucket] === flow) {
      this.buckets[bucket] = this.chain[flow]!;
    } else {
      let before = this.buckets[bucket]!;
      while (this.chain[before] !== flow) before = this.chain[before]!;
      this.chain[before] = this.chain[flow]!;
    }
    this.chain[flow] = this.firstFree;
    this.firstFree = flow;
    this.size--;
  }

  /** Calls with every flow of a node; the one it is called with may be removed or touched. */
  each(node: number, now: number, visit: (flow: number) => void): void {
    for (const flow of this.order.flowsOf(node)) {
      if (this.expires[flow]! <= now) this.remove(flow);
      else visit(flow);
    }
  }

  countOf(node: number): number {
    return this.order.countOf(node);
  }

  private makeRoom(node: number, now: number): void {
    for (let worth = 0; worth < WORTHS; worth++) {
      for (let i = 0; i < SWEEP; i++) {
        const oldest = this.order.oldest(node, worth);
        if (oldest < 0 || this.expires[oldest]! > now) break;
        this.remove(oldest);
      }
    }
    if (this.order.countOf(node) >= this.limits.perNode) this.evict(node);
    else if (this.size >= this.limits.total) this.evict(this.order.largest());
  }

  private evict(node: number): void {
    for (let worth = 0; worth < WORTHS; worth++) {
      const oldest = this.order.oldest(node, worth);
      if (oldest < 0) continue;
      this.remove(oldest);
      this.counters['flows-evicted']++;
      return;
    }
  }

  private takeRecord(): number {
    const free = this.firstFree;
    if (free >= 0) {
      this.firstFree = this.chain[free]!;
      return free;
    }
    if (this.used === this.capacity) this.grow();
    return this.used++;
  }

  private grow(): void {
    const capacity = this.capacity * 2;
    this.keys = copyInto(new Int32Array(capacity * FLOW_KEY.WORDS), this.keys);
    this.states = copyInto(new Uint8Array(capacity), this.states);
    this.expires = copyInto(new Float64Array(capacity), this.expires);
    this.chain = new Int32Array(capacity);
    this.buckets = new Int32Array(capacity).fill(-1);
    this.order.grow(capacity);
    this.capacity = capacity;
    // All records are in use, or there would be a free one.
    for (let flow = 0; flow < this.used; flow++) {
      const bucket = this.bucketOf(this.keys, flow * FLOW_KEY.WORDS);
      this.chain[flow] = this.buckets[bucket]!;
      this.buckets[bucket] = flow;
    }
  }

  private isNamed(flow: number, key: Int32Array): boolean {
    const { keys } = this;
    const at = flow * FLOW_KEY.WORDS;
    // Ports differ most often.
    for (let i = FLOW_KEY.PORTS; i < FLOW_KEY.WORDS; i++) if (keys[at + i] !== key[i]) return false;
    return keys[at] === key[0] && keys[at + 1] === key[1];
  }

  private bucketOf(words: Int32Array, at: number): number {
    let hash = this.seed;
    for (let i = 0; i < FLOW_KEY.WORDS; i++) {
      hash = Math.imul(hash ^ words[at + i]!, 0x9e37_79b1);
      hash ^= hash >>> 15;
    }
    return hash & (this.capacity - 1);
  }
}

function copyInto<T extends Int32Array | Uint8Array | Float64Array>(larger: T, smaller: T): T {
  larger.set(smaller);
  return larger;
}
