/** Nodes that leave the network, and what ends with them. */
import type { Accounts } from '../accounts/index.ts';
import type { Audit, AuditEvent } from '../audit.ts';
import type { Store } from '../store/index.ts';
import type { Tokens } from '../tokens/index.ts';
import { type OnWordOf, removeNode } from './change.ts';
import type { NodeRecord } from './node-record.ts';

export type DepartureAction = 'nodes.leave' | 'nodes.end-ephemeral' | 'nodes.remove' | 'nodes.revoke';

/**
 * Takes a node out of the network, and ends the sessions, invitations and tokens made on it. With `nodes.revoke`
 * its keys are never taken again.
 * @throws CoordinatorError as `removeNode`
 */
export type TakeOut = (
  actor: AuditEvent['actor'],
  node: NodeRecord,
  action: DepartureAction,
  options?: { readonly word?: OnWordOf; readonly source?: string },
) => Promise<Departure>;

export interface Departure {
  /** How many sessions, invitations and tokens ended. */
  readonly ended: number;
  /** Of the commit that took it out. */
  readonly revision: number;
}

export interface DeparturesDeps {
  readonly store: Store;
  /** Wall clock, milliseconds. */
  readonly now: () => number;
  readonly audit: Audit;
  readonly accounts: Pick<Accounts, 'sessions' | 'invitations'>;
  readonly tokens: Tokens;
}

export function createTakeOut(deps: DeparturesDeps): TakeOut {
  const { audit, accounts, tokens } = deps;
  return async (actor, node, action, { word, source } = {}) => {
    const event = { actor, subject: `node:${node.id}`, source };
    const put = [audit.put({ ...event, action, detail: { name: node.name } })];
    const revision = await removeNode(node.id, action === 'nodes.revoke', deps, { word, put });
    const counts = await Promise.all(
      [accounts.sessions, accounts.invitations, tokens].map((each) => each.endOfNode(node.id)),
    );
    const ended = counts.reduce((sum, count) => sum + count, 0);
    if (ended > 0) await audit.append({ ...event, action: 'nodes.secrets-end', detail: { name: node.name, ended } });
    return { ended, revision };
  };
}
