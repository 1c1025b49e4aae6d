import type { MapNetwork, MapNode } from '@pcloud/netmap';
import * as v from 'valibot';
import type { Users } from '../accounts/index.ts';
import type { Audit } from '../audit.ts';
import { CoordinatorError } from '../errors.ts';
import type { MapSource } from '../maps/map-source.ts';
import type { PresenceTable } from '../maps/presence.ts';
import type { Adoptions } from '../nodes/adoptions.ts';
import { renameNode } from '../nodes/change.ts';
import type { TakeOut } from '../nodes/departures.ts';
import { expiryOf } from '../nodes/key-life.ts';
import type { NodeRecord } from '../nodes/node-record.ts';
import type { Registry } from '../nodes/registry.ts';
import type { Renewal } from '../nodes/renewal.ts';
import type { Revoke, Revoked } from '../nodes/revoke.ts';
import type { Store } from '../store/index.ts';
import { define } from './define.ts';
import { nothing, text } from './inputs.ts';
import { createNodeAccess } from './node-access.ts';
import type { Actor, Operation } from './operation.ts';
import { LONGEST_LIFE_MS, setSettings, settingsFace, settingsInput } from './settings.ts';

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
  readonly renewal: Renewal;
}

export interface NodeFace extends MapNode {
  readonly online: boolean;
  readonly endpoints: readonly string[];
  readonly ephemeral: boolean;
  readonly createdAtMs: number;
  /** Its key has expired: it sees nobody, and nobody sees it. */
  readonly isExpired: boolean;
  /** When its key expires or did, wall clock of the server; null for never. */
  readonly expiresAtMs: number | null;
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
  const { registry, maps, presence, audit, takeOut, revoke, adoptions, users, renewal } = deps;
  const { knows, find, checkMayChange } = createNodeAccess(deps);

  function faceOf(node: NodeRecord): NodeFace {
    const found = presence.get(node.id);
    return {
      ...maps.face(node.id)!,
      online: found?.online ?? false,
      endpoints: found?.endpoints ?? [],
      ephemeral: node.ephemeral,
      createdAtMs: node.createdAtMs,
      isExpired: node.expired === true,
      expiresAtMs: expiryOf(node, registry.settings) ?? null,
    };
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
  const expiryMs = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(LONGEST_LIFE_MS));
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
      name: 'nodes.expire',
      least: 'member',
      changes: true,
      input: v.strictObject({ node: text, in: v.union([v.literal('never'), expiryMs]) }),
      async run(actor, input) {
        const { id } = find(actor, input.node);
        await registry.reach(await renewal.setExpiry(actor, id, input.in));
        return faceOf(registry.nodes.get(id)!);
      },
    }),
    define({
      name: 'nodes.renew',
      least: 'member',
      changes: true,
      input: node,
      async run(actor, input) {
        const { id } = find(actor, input.node);
        await registry.reach(await renewal.renew(actor, id));
        return faceOf(registry.nodes.get(id)!);
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
      run: async () => ({ ...deps.network, nodes: registry.nodes.size, ...settingsFace(registry.settings) }),
    }),
    define({
      name: 'network.set',
      least: 'admin',
      changes: true,
      input: settingsInput,
      async run(actor, input) {
        await registry.reach(await setSettings(actor, input, deps));
        return settingsFace(registry.settings);
      },
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
