/** Revoking a node, and what there is to say of it: what it had added, and who has not confirmed yet. */
import type { ControlServer } from '../control/control-server.ts';
import type { Actor } from '../operations/operation.ts';
import type { OnWordOf } from './change.ts';
import type { Departure, TakeOut } from './departures.ts';
import type { NodeRecord } from './node-record.ts';
import type { Registry } from './registry.ts';

export interface Revoked extends Pick<Departure, 'ended'> {
  /** What was let into the network through the node, and stays: to be looked at by whoever revokes it. */
  readonly addedNodes: readonly NodeRecord[];
  /** Names. */
  readonly addedUsers: readonly string[];
  /** Nodes that are connected and where it may not be in force. */
  readonly unconfirmed: readonly NodeRecord[];
  /** Nodes that are not connected: they hear of it when they come back. */
  readonly away: readonly NodeRecord[];
}

/** Takes a node out for good, and waits until that is in force at all that are connected, 2 s at most. */
export type Revoke = (actor: Actor, node: NodeRecord, word: OnWordOf) => Promise<Revoked>;

export interface RevokeDeps {
  readonly registry: Registry;
  readonly takeOut: TakeOut;
  readonly control: () => Pick<ControlServer, 'connected' | 'untilRevoked'>;
}

const CONFIRM_LIMIT_MS = 2_000;

export function createRevoke({ registry, takeOut, control }: RevokeDeps): Revoke {
  return async (actor, node, word) => {
    const { ended, revision } = await takeOut(actor, node, 'nodes.revoke', { word });
    await registry.reach(revision);
    const { connected, untilRevoked } = control();
    const left = await untilRevoked(registry.revocations.entries.length, node.id, CONFIRM_LIMIT_MS);
    const others = [...registry.nodes.values()].filter(({ id }) => id !== node.id);
    return {
      ended,
      addedNodes: others.filter(({ addedOn }) => addedOn === node.id),
      addedUsers: [...registry.users.values()].filter(({ addedOn }) => addedOn === node.id).map(({ name }) => name),
      unconfirmed: others.filter(({ id }) => left.includes(id)),
      away: others.filter(({ id }) => !connected.has(id)),
    };
  };
}
