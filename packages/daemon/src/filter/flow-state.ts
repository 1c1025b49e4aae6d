import { FLOW_TIMEOUT, PROTOCOLS } from './constants.ts';
import { TCP_FLAG } from './packet-view.ts';

/** Bits of what is known of a flow. */
export const FLOW = {
  /** Both ends have sent. */
  ANSWERED: 1,
  /** Who opened it has sent after the answer. */
  ESTABLISHED: 2,
  /** Who opened it, or the other, has said that no more comes. */
  OPENER_FINISHED: 4,
  OTHER_FINISHED: 8,
  RESET: 16,
  /** This side opened it: answers come in whatever the rules say. */
  OPENED_HERE: 32,
  /** The policy has ended it. */
  CUT: 64,
} as const;

const BOTH_FINISHED = FLOW.OPENER_FINISHED | FLOW.OTHER_FINISHED;

/** What goes first when there is no more room: a flow is only given up for one that is worth as much. */
export const WORTH = { UNANSWERED: 0, ANSWERED: 1, CONNECTED: 2 } as const;
export const WORTHS = 3;

/** The state after a packet. */
export function advanceFlow(state: number, protocol: number, flags: number, fromOpener: boolean): number {
  let next = state;
  if (protocol !== PROTOCOLS.TCP) return fromOpener ? next : next | FLOW.ANSWERED;
  if ((flags & TCP_FLAG.RST) !== 0) return next | FLOW.RESET;
  if ((flags & TCP_FLAG.FIN) !== 0) next |= fromOpener ? FLOW.OPENER_FINISHED : FLOW.OTHER_FINISHED;
  if (!fromOpener) return next | FLOW.ANSWERED;
  const isAnswered = (state & FLOW.ANSWERED) !== 0 && (flags & TCP_FLAG.SYN) === 0;
  return isAnswered ? next | FLOW.ESTABLISHED : next;
}

/** Whether a TCP connection is over, so that its ports may be another's. */
export function isOver(state: number): boolean {
  return (state & FLOW.RESET) !== 0 || (state & BOTH_FINISHED) === BOTH_FINISHED;
}

/** How long a flow is remembered, milliseconds. */
export function flowTimeout(state: number, protocol: number): number {
  if ((state & FLOW.CUT) !== 0) return FLOW_TIMEOUT.CUT;
  switch (protocol) {
    case PROTOCOLS.TCP:
      if ((state & FLOW.RESET) !== 0) return FLOW_TIMEOUT.TCP_RESET;
      if ((state & FLOW.ESTABLISHED) === 0 || (state & BOTH_FINISHED) !== 0) return FLOW_TIMEOUT.TCP_TRANSITORY;
      return FLOW_TIMEOUT.TCP_ESTABLISHED;
    case PROTOCOLS.UDP:
    case PROTOCOLS.SCTP:
      return (state & FLOW.ANSWERED) !== 0 ? FLOW_TIMEOUT.ANSWERED : FLOW_TIMEOUT.UNANSWERED;
    case PROTOCOLS.ICMP:
    case PROTOCOLS.ICMPV6:
      return FLOW_TIMEOUT.ECHO;
    default:
      return FLOW_TIMEOUT.OTHER;
  }
}

export function flowWorth(state: number, protocol: number): number {
  if ((state & FLOW.CUT) !== 0 || isOver(state)) return WORTH.UNANSWERED;
  if (protocol === PROTOCOLS.TCP) return (state & FLOW.ESTABLISHED) !== 0 ? WORTH.CONNECTED : WORTH.UNANSWERED;
  return (state & FLOW.ANSWERED) !== 0 ? WORTH.ANSWERED : WORTH.UNANSWERED;
}
