import type { Presence, ServerSet } from '@pcloud/netmap';
import { LIMITS, parseNetworkId, toPlainText } from '@pcloud/netmap';
import type { Crypto } from '@pcloud/wireguard';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { type ControlClient, startControlClient } from './control/client.ts';
import type { SessionEnd, SessionMessage } from './control/session.ts';
import type { ConnectControl } from './control/transport.ts';
import type { MapKeeper } from './map-keeper.ts';
import { createServerSets, type ServerSets } from './server-sets.ts';
import type { Identity } from './state/identity.ts';

/** The channel to a coordinator together with what it feeds: server sets and the map. */
export interface ControlLink {
  readonly client: ControlClient;
  readonly sets: ServerSets;
}

export interface ControlLinkOptions {
  readonly networkId: string;
  readonly serverSet: ServerSet | undefined;
  readonly link: { readonly channelKey: string; readonly urls: readonly string[] };
  readonly token: string | undefined;
  readonly nodeName: string;
  readonly program: string;
}

export interface ControlLinkDeps {
  readonly connect: ConnectControl;
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly random: (out: Uint8Array) => void;
  readonly log: Logger;
  readonly identity: Identity;
  readonly keeper: MapKeeper;
  readonly endpoints: () => readonly string[];
  /** A set that is newer than all before. */
  readonly setChanged: (set: ServerSet) => void;
  /** A server let this node in, with the set that is in force. */
  readonly welcomed: (set: ServerSet) => void;
  readonly refused: (message: Extract<SessionMessage, { kind: 'refused' }>) => void;
  readonly pending: (message: Extract<SessionMessage, { kind: 'pending' }>) => void;
  /** The keeper has another map. */
  readonly mapChanged: () => void;
  readonly presenceChanged: (nodes: readonly Presence[]) => void;
  /** How long this node's key holds. */
  readonly keyTold: (message: Extract<SessionMessage, { kind: 'key' }>) => void;
  readonly stateChanged: () => void;
  readonly roundFailed: (problem: SessionEnd) => void;
}

/** Starts to look for a coordinator, and goes on until its client is stopped. */
export function startControlLink(options: ControlLinkOptions, deps: ControlLinkDeps): ControlLink {
  const { networkId } = options;
  const { identity, keeper, log } = deps;
  let { token } = options;
  const sets = createServerSets({ ...options, changed: deps.setChanged });

  function handle(message: SessionMessage): void {
    switch (message.kind) {
      case 'welcome':
        // It has done what it was for, and the server knows this machine from now on.
        token = undefined;
        if (sets.current !== undefined) deps.welcomed(sets.current);
        return;
      case 'pending':
        deps.pending(message);
        return;
      case 'refused':
        deps.refused(message);
        return;
      case 'map': {
        const refusal = keeper.takeMap(message, networkId);
        if (refusal === undefined) deps.mapChanged();
        else refuseMap(refusal);
        return;
      }
      case 'delta':
        switch (keeper.takeDelta(message)) {
          case 'taken':
            deps.mapChanged();
            return;
          case 'resync':
            client.send({ kind: 'resync' });
            return;
          case 'older':
            refuseMap('the delta leads to an older map than one seen before');
        }
        return;
      case 'presence':
        deps.presenceChanged(keeper.takePresence(message.nodes));
        return;
      case 'key':
        deps.keyTold(message);
        return;
      case 'revocations': {
        const hash = keeper.takeRevocations(message.nodes, networkId);
        if (message.nodes.length > 0) deps.mapChanged();
        if (hash !== undefined) client.send({ kind: 'revoked', id: message.id, hash });
      }
    }
  }

  function refuseMap(why: string): void {
    log.error({ why }, 'a map of the coordinator is refused; another server is tried');
    client.reconnect({ code: 'MAP_REFUSED', message: why });
  }

  const client = startControlClient({
    connect: deps.connect,
    clock: deps.clock,
    crypto: deps.crypto,
    random: deps.random,
    log,
    targets: () => sets.targets(),
    session: () => ({
      identity,
      networkId: parseNetworkId(networkId)!,
      program: options.program,
      serverSet: sets.current?.number ?? 0,
    }),
    checkServerSet: (signed, channelKey) => sets.check(signed, channelKey),
    joinFacts: () => ({
      name: toPlainText(options.nodeName, LIMITS.NAME),
      endpoints: deps.endpoints(),
      ...(token === undefined ? {} : { token }),
      ...(keeper.version === undefined ? {} : { map: keeper.version }),
    }),
    handle,
    changed: deps.stateChanged,
    roundFailed: deps.roundFailed,
  });
  return { client, sets };
}
