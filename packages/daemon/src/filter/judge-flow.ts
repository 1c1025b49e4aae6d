import { writeUint32 } from '@pcloud/ip';
import { FLOW_KEY } from './flow-key.ts';
import { FLOW } from './flow-state.ts';
import type { Flows } from './flows.ts';
import type { NodeState } from './node.ts';
import type { RuleBook } from './rule-book.ts';
import { isGranted } from './rules.ts';

const LOCAL = 0;
const REMOTE = 16;

/** Judges a flow by rules that are new. True when it ends now. */
export function createFlowJudge(
  flows: Flows,
  book: Pick<RuleBook, 'isOwn' | 'isForwarded'>,
): (node: NodeState, flow: number, now: number) => boolean {
  const { table } = flows;
  const bytes = new Uint8Array(32);

  function readAddresses(flow: number): void {
    for (let i = 0; i < 4; i++) {
      writeUint32(bytes, LOCAL + 4 * i, table.keyWord(flow, FLOW_KEY.LOCAL + i));
      writeUint32(bytes, REMOTE + 4 * i, table.keyWord(flow, FLOW_KEY.REMOTE + i));
    }
  }

  return (node, flow, now) => {
    const isV6 = table.keyWord(flow, FLOW_KEY.PROTOCOL) > 0xff;
    const localPort = table.keyWord(flow, FLOW_KEY.PORTS) >>> 16;
    const state = table.state(flow);
    const isCut = (state & FLOW.CUT) !== 0;
    readAddresses(flow);
    const isOwn = book.isOwn(bytes, LOCAL, isV6);
    if (!node.owns(bytes, REMOTE, isV6) || (!isOwn && !book.isForwarded(bytes, LOCAL, isV6))) {
      table.remove(flow);
      return !isCut;
    }
    if ((state & FLOW.OPENED_HERE) !== 0) return false;
    if (isGranted(node, isOwn, bytes, isV6, flows.protocolOf(flow), REMOTE, LOCAL, localPort)) {
      // The next packet opens it anew.
      if (isCut) table.remove(flow);
      return false;
    }
    if (!isCut) flows.cut(flow, now);
    return !isCut;
  };
}
