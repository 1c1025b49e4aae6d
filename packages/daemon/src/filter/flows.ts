import { type FlowLimits, PROTOCOLS } from './constants.ts';
import { FLOW_KEY, writeFlowKey } from './flow-key.ts';
import { advanceFlow, FLOW, flowTimeout, flowWorth } from './flow-state.ts';
import { FlowTable } from './flow-table.ts';
import type { PacketView } from './packet-view.ts';
import type { FilterCounter } from './verdict.ts';

/** The flows of a filter, by the packets of one node. */
export class Flows {
  readonly table: FlowTable;
  private readonly counters: Record<FilterCounter, number>;
  private readonly key: Int32Array = new Int32Array(FLOW_KEY.WORDS);

  constructor(limits: FlowLimits, seed: number, counters: Record<FilterCounter, number>) {
    this.table = new FlowTable(limits, seed, counters);
    this.counters = counters;
  }

  /** The flow that a packet belongs to, or -1. What is opened next has its name. */
  find(node: number, bytes: Uint8Array, view: PacketView, fromRemote: boolean, now: number): number {
    writeFlowKey(this.key, node, bytes, view, fromRemote);
    return this.table.find(this.key, now);
  }

  state(flow: number): number {
    return flow < 0 ? 0 : this.table.state(flow);
  }

  /** Notes a packet of a flow. */
  advance(flow: number, view: PacketView, fromRemote: boolean, now: number): void {
    const state = this.table.state(flow);
    const fromOpener = ((state & FLOW.OPENED_HERE) === 0) === fromRemote;
    this.touch(flow, advanceFlow(state, view.protocol, view.flags, fromOpener), view.protocol, now);
  }

  /** Begins the flow that was looked for, in place of the one that was found. */
  open(found: number, view: PacketView, fromRemote: boolean, now: number): void {
    if (found >= 0) this.table.remove(found);
    const state = fromRemote ? 0 : FLOW.OPENED_HERE;
    const flow = this.table.add(this.key, now);
    this.touch(flow, advanceFlow(state, view.protocol, view.flags, true), view.protocol, now);
    this.counters['flows-opened']++;
  }

  /** The policy ends a flow: until it was silent for long enough, none of its packets begins another. */
  cut(flow: number, now: number): void {
    this.touch(flow, this.table.state(flow) | FLOW.CUT, this.protocolOf(flow), now);
  }

  protocolOf(flow: number): number {
    return this.table.keyWord(flow, FLOW_KEY.PROTOCOL) & 0xff;
  }

  private touch(flow: number, state: number, protocol: number, now: number): void {
    this.table.touch(flow, state, flowWorth(state, protocol), now + flowTimeout(state, protocol));
  }
}

/** Protocols that carry packets of their own: no packet of ours opens the way for theirs, only a rule does. */
export function isEncapsulation(protocol: number): boolean {
  return protocol === PROTOCOLS.IPV4 || protocol === PROTOCOLS.IPV6 || protocol === PROTOCOLS.GRE;
}
