/** How long keys of single nodes hold, and their renewal. Address, name and all else of a node stay as they are. */
import { isAtLeast, readAuthority } from '../accounts/index.ts';
import type { Audit, AuditEvent } from '../audit.ts';
import { CoordinatorError } from '../errors.ts';
import type { NetworkSettings } from '../network/settings.ts';
import type { Actor } from '../operations/operation.ts';
import { decideAndCommit } from '../store/decide.ts';
import { encodeRecord, readRecord, type Store, type StoreCommit } from '../store/index.ts';
import { canExpire, expiryOf } from './key-life.ts';
import { type NodeRecord, nodePaths, nodeRecord } from './node-record.ts';

export interface Renewal {
  /**
   * Sets when a node's key expires: so many milliseconds from now, or never. Members may only have keys of their own
   * devices expire sooner.
   * @returns the revision
   * @throws CoordinatorError NODE_UNKNOWN, FORBIDDEN, INPUT_INVALID
   */
  setExpiry(actor: Actor, nodeId: string, inMs: number | 'never'): Promise<number>;
  /**
   * A node's key holds for as long again as the network says.
   * @returns the revision
   * @throws CoordinatorError NODE_UNKNOWN, FORBIDDEN, INPUT_INVALID
   */
  renew(actor: Actor, nodeId: string): Promise<number>;
  /**
   * The same as a part of a commit by which somebody approves it.
   * @throws CoordinatorError NODE_UNKNOWN, FORBIDDEN, INPUT_INVALID
   */
  prepare(actor: Actor, nodeId: string): Promise<StoreCommit>;
}

export interface RenewalDeps {
  readonly store: Store;
  readonly audit: Audit;
  readonly settings: () => NetworkSettings;
  /** Wall clock of the server, milliseconds. */
  readonly now: () => number;
}

export function createRenewal({ store, audit, settings, now }: RenewalDeps): Renewal {
  /** The node, when the actor may change it: one's own, or anybody's for an admin. */
  async function read(actor: Actor, nodeId: string) {
    const { role, userId, compare } = await readAuthority(actor, store);
    const entry = await store.get(nodePaths.node(nodeId));
    if (entry === undefined) throw new CoordinatorError('NODE_UNKNOWN', 'node: it is not in the network any more');
    const node = readRecord(nodeRecord, entry);
    const isAdmin = isAtLeast(role, 'admin');
    if (!isAdmin && (node.userId === '' || node.userId !== userId)) {
      throw new CoordinatorError('FORBIDDEN', `node "${node.name}" belongs to somebody else`);
    }
    if (!canExpire(node)) {
      throw new CoordinatorError(
        'INPUT_INVALID',
        `node "${node.name}": keys of servers and of nodes with tags never expire`,
      );
    }
    return { node, isAdmin, compare: [...compare, { key: entry.key, revision: entry.revision }] };
  }

  function put(node: NodeRecord, event: Pick<AuditEvent, 'actor' | 'action' | 'detail'>): StoreCommit['put'] {
    const { expired: _, ...rest } = node;
    const isOver = now() >= (expiryOf(node, settings()) ?? Number.POSITIVE_INFINITY);
    return [
      { key: nodePaths.node(node.id), value: encodeRecord({ ...rest, ...(isOver && { expired: true }) }) },
      audit.put({ ...event, subject: `node:${node.id}`, detail: { name: node.name, ...event.detail } }),
    ];
  }

  async function prepare(actor: Actor, nodeId: string): Promise<StoreCommit> {
    // Else who has stolen a device would have it for ever.
    if (actor.kind === 'user' && actor.via === 'node' && actor.nodeId === nodeId) {
      throw new CoordinatorError(
        'FORBIDDEN',
        'a device cannot renew its own key: run "pcloud nodes renew" on another one, or "pcloud login" here',
      );
    }
    const { node, compare } = await read(actor, nodeId);
    const { expiry, ...rest } = node;
    const renewed = { ...rest, ...(expiry === 'never' && { expiry }), renewedAtMs: now() };
    return { compare, put: put(renewed, { actor, action: 'nodes.renew' }) };
  }

  return {
    prepare,
    async renew(actor, nodeId) {
      return (await decideAndCommit(store, () => prepare(actor, nodeId))).revision;
    },
    async setExpiry(actor, nodeId, inMs) {
      const { revision } = await decideAndCommit(store, async () => {
        const { node, isAdmin, compare } = await read(actor, nodeId);
        const expiry = inMs === 'never' ? inMs : now() + inMs;
        const before = expiryOf(node, settings()) ?? Number.POSITIVE_INFINITY;
        if (!isAdmin && (expiry === 'never' || expiry > before)) {
          throw new CoordinatorError('FORBIDDEN', 'only an admin may have a key hold longer than the network says');
        }
        const detail = { expiresAtMs: expiry };
        return { compare, put: put({ ...node, expiry }, { actor, action: 'nodes.expire', detail }) };
      });
      return revision;
    },
  };
}
