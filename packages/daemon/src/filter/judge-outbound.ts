import { FIRST_CLIENT_PORT, PROTOCOLS } from './constants.ts';
import { FLOW, isOver } from './flow-state.ts';
import { isEncapsulation } from './flows.ts';
import type { Judge, JudgeDeps } from './judge-inbound.ts';
import { KIND, PART, TCP_FLAG } from './packet-view.ts';

/** Judges what goes to a node: all that is this device's own, but for flows that the policy has ended. */
export function createOutboundJudge({ flows, book, view, resumeUntil }: JudgeDeps): Judge {
  /** Whether answers are to come in. A packet of a connection that was not seen to open could be an answer itself. */
  function opensFlow(now: number): boolean {
    const { kind, protocol, flags } = view;
    if (kind !== KIND.FLOW) return kind === KIND.ECHO_REQUEST;
    if (protocol !== PROTOCOLS.TCP) return !isEncapsulation(protocol);
    if ((flags & TCP_FLAG.SYN) !== 0) return (flags & TCP_FLAG.ACK) === 0;
    return (flags & TCP_FLAG.RST) === 0 && now < resumeUntil && view.sourcePort >= FIRST_CLIENT_PORT;
  }

  return (node, bytes, now) => {
    const { isV6, part, kind, flags } = view;
    if (!book.isOwn(bytes, view.source, isV6) && !book.isForwarded(bytes, view.source, isV6)) return 'source-dropped';
    if (part === PART.LATER || kind === KIND.ICMP_ERROR || kind === KIND.ICMP_OTHER) return 'pass';
    const flow = flows.find(node.number, bytes, view, false, now);
    const state = flows.state(flow);
    const isCut = (state & FLOW.CUT) !== 0;
    const opens = (flags & (TCP_FLAG.SYN | TCP_FLAG.ACK)) === TCP_FLAG.SYN;
    if (isCut && !opens) {
      flows.cut(flow, now);
      return 'cut-dropped';
    }
    const isAgain = flow >= 0 && (!opens || (!isCut && (state & FLOW.OPENED_HERE) !== 0 && !isOver(state)));
    if (isAgain) flows.advance(flow, view, false, now);
    else if (opensFlow(now)) flows.open(flow, view, false, now);
    return 'pass';
  };
}
