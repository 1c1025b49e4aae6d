import { FIRST_CLIENT_PORT, PROTOCOLS } from './constants.ts';
import { FLOW, isOver } from './flow-state.ts';
import type { Flows } from './flows.ts';
import type { NodeState } from './node.ts';
import { createPacketView, KIND, PART, type PacketView, TCP_FLAG } from './packet-view.ts';
import { readQuoted } from './read-quoted.ts';
import type { RuleBook } from './rule-book.ts';
import { isGranted } from './rules.ts';
import type { Verdict } from './verdict.ts';

export interface JudgeDeps {
  readonly flows: Flows;
  readonly book: RuleBook;
  /** The packet that is judged, read. */
  readonly view: PacketView;
  /** Until when TCP connections are taken for ones of before. */
  readonly resumeUntil: number;
}

export type Judge = (node: NodeState, bytes: Uint8Array, now: number) => Verdict;

/** Judges what a node sends. */
export function createInboundJudge({ flows, book, view, resumeUntil }: JudgeDeps): Judge {
  const quoted = createPacketView();

  /** An error is let in to who sent what it is about, if that is a packet of a flow with the node. */
  function isAboutFlow(node: NodeState, bytes: Uint8Array, now: number): boolean {
    if (!readQuoted(bytes, view, quoted)) return false;
    const flow = flows.find(node.number, bytes, quoted, false, now);
    return flow >= 0 && (flows.state(flow) & FLOW.CUT) === 0;
  }

  /** A connection of before this start: whoever has it answers, and whoever has not resets it. */
  function isResumed(flow: number, now: number): boolean {
    if (flow >= 0 || now >= resumeUntil || view.protocol !== PROTOCOLS.TCP) return false;
    const isMidway = (view.flags & (TCP_FLAG.SYN | TCP_FLAG.RST | TCP_FLAG.ACK)) === TCP_FLAG.ACK;
    return isMidway && view.destinationPort >= FIRST_CLIENT_PORT;
  }

  function judgeFlow(node: NodeState, isOwn: boolean, bytes: Uint8Array, now: number): Verdict {
    const { kind, flags, isV6, protocol, source, destination, destinationPort } = view;
    const flow = flows.find(node.number, bytes, view, true, now);
    const state = flows.state(flow);
    const isLive = flow >= 0 && (state & FLOW.CUT) === 0;
    // Who opens a connection is let in by rules alone, also over a flow that was opened here.
    const opens = (flags & (TCP_FLAG.SYN | TCP_FLAG.ACK)) === TCP_FLAG.SYN;
    if (isLive && !opens) {
      flows.advance(flow, view, true, now);
      return 'pass';
    }
    if (kind === KIND.ECHO_REPLY) return 'icmp-dropped';
    if (!isGranted(node, isOwn, bytes, isV6, protocol, source, destination, destinationPort)) {
      return isResumed(flow, now) ? 'pass' : 'policy-dropped';
    }
    const isAgain = isLive && (state & FLOW.OPENED_HERE) === 0 && !isOver(state);
    if (isAgain) flows.advance(flow, view, true, now);
    else if ((flags & TCP_FLAG.RST) === 0) flows.open(flow, view, true, now);
    return 'pass';
  }

  return (node, bytes, now) => {
    const { isV6, part } = view;
    // A route for everything has our own addresses in it too.
    if (!node.owns(bytes, view.source, isV6) || book.isOwn(bytes, view.source, isV6)) return 'source-dropped';
    const isOwn = book.isOwn(bytes, view.destination, isV6);
    if (!isOwn && !book.isForwarded(bytes, view.destination, isV6)) return 'destination-dropped';
    if (part === PART.LATER) return node.fragments.accept(bytes, view, now) ? 'pass' : 'fragment-dropped';
    if (part === PART.FIRST && node.fragments.isRepeated(bytes, view, now)) return 'fragment-dropped';
    if (view.kind === KIND.ICMP_OTHER) return 'icmp-dropped';
    if (view.kind === KIND.ICMP_ERROR) return isAboutFlow(node, bytes, now) ? 'pass' : 'icmp-dropped';
    const verdict = judgeFlow(node, isOwn, bytes, now);
    if (verdict === 'pass' && part === PART.FIRST) node.fragments.add(bytes, view, now);
    return verdict;
  };
}
