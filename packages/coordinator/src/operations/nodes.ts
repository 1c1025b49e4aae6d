import type { MapNetwork, MapNode } from '@pcloud/netmap';
import * as v from 'valibot';
import { isAtLeast, readAuthority, type Users } from '../accounts/index.ts';
import type { Audit } from '../audit.ts';
import { CoordinatorError } from '../errors.ts';
import type { MapSource } from '../maps/map-source.ts';
import type { PresenceTable } from '../maps/presence.ts';
import type { Adoptions } from '../nodes/adoptions.ts';
import { type OnWordOf, renameNode } from '../nodes/change.ts';
import type { TakeOut } from '../nodes/departures.ts';
import type { NodeRecord } from '../nodes/node-record.ts';
import type { Registry } from '../nodes/registry.ts';
import type { Revoke, Revoked } from '../nodes/revoke.ts';
import type { Store } from '../store/index.ts';
import { define } from './define.ts';
import { nothing, text } from './inputs.ts';
import type { Actor, Operation } from './operation.ts';

export interface NodeOperationsDeps {
  readonly store: Store;
  readonly registry: Registry;
  readonly maps: MapSource;
  readonly presence: PresenceTable;
  readonly audit: Audit;
  readonly network: MapNetwork;
  /** Wall clock, milliseconds. */
  readonly now: () => number;
  readonly takeOut: TakeOut;
  readonly revoke: Revoke;
  /** What became of connections, and what was turned away, since the start. */
  readonly counters: () => unknown;
  readonly adoptions: Adoptions;
  readonly users: Users;
}

export interface NodeFace extends MapNode {
  readonly online: boolean;
  readonly endpoints: readonly string[];
  readonly ephemeral: boolean;
  readonly createdAtMs: number;
}

/** Nodes as far as who asks may know of them. */
export interface NamedNodes {
  readonly names: readonly string[];
  readonly others: number;
}

/** What is told of a node that was revoked. */
export interface RevokedFace {
  readonly ended: number;
  readonly addedNodes: NamedNodes;
  readonly addedUsers: readonly string[];
  readonly unconfirmed: NamedNodes;
  readonly away: NamedNodes;
}

export function nodeOperations(deps: NodeOperationsDeps): Operation[] {
  const { store, registry, maps, presence, audit, takeOut, revoke, adoptions, users } = deps;

  function faceOf(node: NodeRecord): NodeFace {
    const found = presence.get(node.id);
    return {
      ...maps.face(node.id)!,
      online: found?.online ?? false,
      endpoints: found?.endpoints ?? [],
      ephemeral: node.ephemeral,
      createdAtMs: node.createdAtMs,
    };
  }

  /** Whether an actor may know of a node: members of their own, and of those that their devices may see. */
  function knows(actor: Actor): (node: NodeRecord) => boolean {
    if (actor.kind === 'root' || isAtLeast(actor.role, 'admin')) return () => true;
    const name = registry.userName(actor.userId);
    return (node) => node.userId === actor.userId || maps.isSeenByUser(name, node.id);
  }

  /** A node by name, id or address. */
  function find(actor: Actor, wanted: string): NodeRecord {
    const label = wanted.toLowerCase().replace(new RegExp(`\\.${deps.network.domain}\\.?$`), '');
    const found = registry.nodes.get(registry.names.get(label) ?? maps.nodeAt(wanted) ?? wanted);
    if (found && knows(actor)(found)) return found;
    throw new CoordinatorError('NODE_UNKNOWN', `node: there is none called "${wanted}"`);
  }

  /** One's own, or anybody's for an admin; as it is at this moment, and not as it was when they signed in. */
  async function checkMayChange(actor: Actor, node: NodeRecord): Promise<OnWordOf> {
    const { role, userId, compare } = await readAuthority(actor, store);
    if (isAtLeast(role, 'admin') || (node.userId !== '' && node.userId === userId)) return compare;
    throw new CoordinatorError('FORBIDDEN', `node "${node.name}" belongs to somebody else`);
  }

  /** By name where the actor may know of them, and else by number. */
  function namesOf(actor: Actor, { ended, addedUsers, ...found }: Revoked): RevokedFace {
    const isKnown = knows(actor);
    const name = (nodes: readonly NodeRecord[]): NamedNodes => {
      const names = nodes.filter(isKnown).map((node) => node.name);
      return { names: names.sort(), others: nodes.length - names.length };
    };
    return {
      ended,
      addedNodes: name(found.addedNodes),
      addedUsers,
      unconfirmed: name(found.unconfirmed),
      away: name(found.away),
    };
  }

  /** A user by name; left out, who asks. */
  async function findUser(actor: Actor, name: string | undefined): Promise<string> {
    if (name === undefined && actor.kind === 'user') return actor.userId;
    if (name === undefined) throw new CoordinatorError('INPUT_INVALID', 'user: expected a name; root has no devices');
    const found = await users.find(name);
    if (found) return found.id;
    throw new CoordinatorError('USER_UNKNOWN', `user: there is none called "${name}"`);
  }

  const node = v.strictObject({ node: text });
  return [
    define({
      name: 'nodes.list',
      least: 'member',
      changes: false,
      input: nothing,
      run: async (actor) => [...registry.nodes.values()].filter(knows(actor)).map(faceOf),
    }),
    define({
      name: 'nodes.rename',
      least: 'member',
      changes: true,
      input: v.strictObject({ node: text, name: text }),
      async run(actor, input) {
        const found = find(actor, input.node);
        const word = await checkMayChange(actor, found);
        const detail = { from: found.name, to: input.name };
        const event = audit.put({ actor, action: 'nodes.rename', subject: `node:${found.id}`, detail });
        await registry.reach(await renameNode(found.id, input.name, deps, { word, put: [event] }));
        return faceOf(registry.nodes.get(found.id)!);
      },
    }),
    define({
      name: 'nodes.adopt',
      least: 'owner',
      changes: true,
      input: v.strictObject({ node: text, user: v.optional(text) }),
      async run(actor, input) {
        const { id } = find(actor, input.node);
        await registry.reach(await adoptions.adopt(actor, id, await findUser(actor, input.user)));
        return faceOf(registry.nodes.get(id)!);
      },
    }),
    define({
      name: 'nodes.remove',
      least: 'member',
      changes: true,
      input: v.strictObject({ node: text, revoke: v.optional(v.boolean(), false) }),
      async run(actor, input) {
        const found = find(actor, input.node);
        const word = await checkMayChange(actor, found);
        if (input.revoke) return { removed: found.name, ...namesOf(actor, await revoke(actor, found, word)) };
        const { ended } = await takeOut(actor, found, 'nodes.remove', { word });
        return { removed: found.name, ended };
      },
    }),
    define({
      name: 'whois',
      least: 'member',
      changes: false,
      input: node,
      run: async (actor, input) => faceOf(find(actor, input.node)),
    }),
    define({
      name: 'network.get',
      least: 'member',
      changes: false,
      input: nothing,
      run: async () => ({ ...deps.network, nodes: registry.nodes.size }),
    }),
    define({
      name: 'network.counters',
      least: 'admin',
      changes: false,
      input: nothing,
      run: async () => deps.counters(),
    }),
  ];
}
