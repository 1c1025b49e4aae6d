import type { NetworkMap, Presence } from '@pcloud/netmap';
import { DaemonError } from '../errors.ts';
import type { HandsOptions } from '../hands.ts';
import { createInOrder } from '../in-order.ts';
import type { Logger } from '../log.ts';
import { createStampStore } from '../stamp-store.ts';
import type { ControlClient } from './control/client.ts';
import type { SessionEnd } from './control/session.ts';
import { type ControlLink, startControlLink } from './control-link.ts';
import { createEventBus, type EventBus } from './events.ts';
import { createTraffic, type DaemonFigures, tally } from './figures.ts';
import type { JoinOutcome, JoinTarget } from './join-target.ts';
import { createKeyWatch, type KeyStatus } from './key-watch.ts';
import { createMapKeeper } from './map-keeper.ts';
import type { MeshTunnel } from './mesh-tunnel.ts';
import { createReminder } from './reminder.ts';
import { rotateKey } from './rotate-key.ts';
import type { MeshSeams } from './seams.ts';
import { loadIdentity } from './state/identity.ts';
import { openMapStore } from './state/map-store.ts';
import { openMembership } from './state/membership.ts';
import { openRevocations } from './state/revocations.ts';
import { openSeen } from './state/seen.ts';
import { describeMesh, describePeer, type MeshState, type MeshStatus, type StatusFacts } from './status.ts';
import { createTunnelLife } from './tunnel-life.ts';

export interface MeshCoreOptions extends Omit<HandsOptions, 'persist'> {
  readonly stateDir: string;
  /** Wished for, as a DNS label; the coordinator decides. */
  readonly nodeName: string;
  /** UDP port; a random one that is kept when it is not given. */
  readonly port: number | undefined;
}

/** This device in its network: joins, comes up from disk, follows the coordinator, goes down. */
export interface MeshCore {
  readonly events: EventBus;
  readonly map: NetworkMap | undefined;
  readonly tunnel: MeshTunnel | undefined;
  readonly control: ControlLink | undefined;
  /** What there is to tell about the whole and each peer. */
  facts(): StatusFacts;
  status(): MeshStatus;
  figures(): DaemonFigures;
  /** Asks a network in. @throws DaemonError ALREADY_A_MEMBER and those of `up` */
  join(target: JoinTarget, signal?: AbortSignal): Promise<JoinOutcome>;
  /** Brings the interface up. @throws DaemonError NOT_A_MEMBER, and what hands and sockets throw */
  up(): Promise<void>;
  /** Takes the interface away, and keeps the membership: it stays down until `up`. */
  down(): Promise<void>;
  /**
   * Gets a new node key, and keeps address, name and sessions.
   * @returns the public key, base64
   * @throws DaemonError NOT_CONNECTED, STATE_FAILED; OperationError
   */
  rotate(signal?: AbortSignal): Promise<string>;
  /**
   * Asks for this device's key to be renewed. `renewed` resolves once it is.
   * @throws DaemonError NOT_CONNECTED; OperationError
   */
  askRenewal(signal?: AbortSignal): Promise<unknown>;
  renewed(signal?: AbortSignal): Promise<KeyStatus>;
  /** Leaves the network; the keys stay. */
  leave(): Promise<void>;
  /** Resolves once there is a map, with how joining went otherwise. */
  joined(signal?: AbortSignal): Promise<JoinOutcome>;
  close(options: { readonly keepInterface: boolean }): Promise<void>;
}

export interface MeshCoreDeps {
  readonly seams: MeshSeams;
  readonly log: Logger;
  readonly version: string;
}

/** How long servers are tried for before joining is given up. Milliseconds. */
const JOIN_PATIENCE_MS = 15_000;
/** The same for servers that turn us away before they prove anything, as an overloaded one does too. */
const REFUSED_PATIENCE_MS = 3_000;
/** What may be over soon. */
const PASSING: ReadonlySet<SessionEnd['code']> = new Set(['CLOSED', 'SILENT', 'TRY_LATER']);

/** @throws DaemonError STATE_CORRUPT, STATE_FAILED */
export function createMeshCore(options: MeshCoreOptions, deps: MeshCoreDeps): MeshCore {
  const { seams, log, version } = deps;
  const { clock } = seams;
  const identity = loadIdentity(options.stateDir, { crypto: seams.crypto, random: seams.random });
  const membership = openMembership(options.stateDir);
  const seen = openSeen(options.stateDir);
  const store = openMapStore(options.stateDir, log);
  const stamps = createStampStore(options.stateDir, { hash: (key) => seams.crypto.hash(key), log });
  const events = createEventBus();
  const keeper = createMapKeeper({
    store,
    seen,
    revocations: openRevocations(options.stateDir),
    clock,
    log,
    worked: () => life.tunnel?.choice.worked ?? new Map(),
  });

  const reminder = createReminder({
    ...seams,
    contradicted: () => keeper.contradicted,
    revoke: async (node) => control?.client.request('nodes.remove', { node, revoke: true }),
    log,
  });

  const keyWatch = createKeyWatch({ ...seams, log, rotate: () => enqueue(() => rotate(undefined)) });
  const traffic = createTraffic();
  const peerEvents: Record<string, number> = {};

  let control: ControlLink | undefined;
  let state: MeshState = membership.current === undefined ? 'none' : 'down';
  let pending: Extract<JoinOutcome, { kind: 'pending' }> | undefined;
  /** How joining ended; undefined while it goes on. */
  let failure: Exclude<JoinOutcome, { kind: 'joined' | 'pending' }> | undefined;
  let cancelLastTry = (): void => {};
  let isClosed = false;
  /** When renewal was asked for last. */
  let renewalsBefore = 0;
  /** Another machine had our keys and the channel: what sessions there are may be its. */
  let wasReplaced = false;
  /** One change of state at a time, in order. */
  const enqueue = createInOrder();
  const life = createTunnelLife(options, {
    seams,
    identity,
    stamps,
    keeper,
    log,
    version,
    keptPort: () => membership.current?.port ?? 0,
    enqueue,
    handleEvent(what, nodeId) {
      peerEvents[what] = (peerEvents[what] ?? 0) + 1;
      if (what === 'handshake-complete' || what === 'roamed') keeper.saveSoon();
      const name = keeper.map?.nodes.get(nodeId)?.name;
      if (name !== undefined) events.emit({ event: 'peer', name, what });
    },
    endpointsChanged: (endpoints) => control?.client.send({ kind: 'endpoints', endpoints }),
    poke: () => control?.client.poke(),
  });

  function setState(next: MeshState): void {
    if (next === state) return;
    state = next;
    events.emit({ event: 'state', state });
  }

  function startControl(target: JoinTarget): void {
    const startedAt = clock.now();
    // Between two tries may be half a minute, and nobody should wait longer than he is patient.
    if (membership.current === undefined)
      cancelLastTry = clock.setTimer(() => control?.client.poke(), JOIN_PATIENCE_MS);
    control = startControlLink(
      {
        networkId: target.networkId,
        serverSet: membership.current?.serverSet,
        link: { channelKey: target.channelKey, urls: target.urls },
        token: target.token,
        nodeName: options.nodeName,
        program: `pcloud ${version} ${process.platform} ${process.arch}`,
      },
      {
        ...seams,
        connect: seams.createConnect({
          load: (host) => membership.current?.resolved[host] ?? [],
          save: rememberHost,
        }),
        log,
        identity,
        keeper,
        endpoints: () => life.endpoints,
        setChanged(serverSet) {
          if (membership.current !== undefined) keep({ ...membership.current, serverSet });
        },
        welcomed(serverSet) {
          pending = undefined;
          if (membership.current !== undefined) return;
          const { networkId, channelKey, urls } = target;
          const port = life.tunnel?.port ?? 0;
          keep({ networkId, serverSet, link: { channelKey, urls }, port, wanted: 'up', resolved: {} });
        },
        pending({ code, url, expiresInMs }) {
          pending = { kind: 'pending', code, url, expiresInMs };
          events.emit({ event: 'pending', code, url });
        },
        refused({ code, message }) {
          pending = undefined;
          if (code === 'REPLACED') wasReplaced = true;
          log.error({ code }, 'the coordinator refuses this device');
          if (membership.current === undefined && code !== 'TRY_LATER') fail({ kind: 'refused', code, message });
          events.emit({ event: 'refused', code, message });
        },
        mapChanged: handleMap,
        presenceChanged: (nodes: readonly Presence[]) => life.tunnel?.setPresence(nodes),
        keyTold(message) {
          keyWatch.handleKey(message);
          events.emit({ event: 'key', isExpired: message.isExpired });
        },
        stateChanged: handleControlState,
        roundFailed: (problem) => handleRoundFailed(problem, startedAt),
      },
    );
  }

  function handleMap(): void {
    const { map } = keeper;
    if (map === undefined) return;
    life.tunnel?.apply(map);
    setState('up');
    life.tellEndpoints();
    reminder.handleMap();
    events.emit({ event: 'map', epoch: map.epoch, revision: map.revision, nodes: map.nodes.size });
  }

  function handleControlState(): void {
    const { connected, remoteAddress } = control?.client.state ?? { connected: false, remoteAddress: undefined };
    if (remoteAddress !== undefined) life.tunnel?.prove(remoteAddress.replace(/^::ffff:/, ''));
    if (connected && wasReplaced) {
      wasReplaced = false;
      life.tunnel?.renewSessions();
    }
    events.emit({ event: 'coordinator', connected });
  }

  /** A member tries for ever; who wants to become one hears why it does not work. */
  function handleRoundFailed({ code, message }: SessionEnd, startedAt: number): void {
    if (membership.current !== undefined) return;
    const elapsedMs = clock.now() - startedAt;
    if (PASSING.has(code) && elapsedMs < JOIN_PATIENCE_MS) return;
    if (code === 'HANDSHAKE_REFUSED' && elapsedMs < REFUSED_PATIENCE_MS) return;
    if (code === 'TRY_LATER') fail({ kind: 'refused', code, message });
    else fail({ kind: 'unreachable', code, message });
  }

  /** Joining did not work: everything is as it was before. */
  function fail(outcome: NonNullable<typeof failure>): void {
    failure = outcome;
    cancelLastTry();
    control?.client.stop();
    control = undefined;
    life.close(false);
    setState('none');
  }

  function keep(next: NonNullable<typeof membership.current>): void {
    try {
      membership.save(next);
    } catch (error) {
      log.error({ error: (error as Error).message }, 'the membership cannot be kept on disk');
    }
  }

  function rememberHost(host: string, addresses: readonly string[]): void {
    const { current } = membership;
    if (current !== undefined) keep({ ...current, resolved: { ...current.resolved, [host]: addresses } });
  }

  async function bringUp(): Promise<void> {
    const { current } = membership;
    if (current === undefined) {
      throw new DaemonError('NOT_A_MEMBER', 'this device belongs to no network; run "pcloud up LINK" with a join link');
    }
    if (life.tunnel !== undefined) {
      control?.client.poke();
      return;
    }
    await life.open(keeper.load(current.networkId));
    keep({ ...current, port: life.tunnel!.port, wanted: 'up' });
    setState('up');
    startControl({ networkId: current.networkId, ...current.link });
  }

  function takeDown(keepInterface: boolean): void {
    cancelLastTry();
    reminder.stop();
    keyWatch.stop();
    control?.client.stop();
    control = undefined;
    pending = undefined;
    keeper.flush();
    life.close(keepInterface);
    keeper.clear();
  }

  async function startJoining(target: JoinTarget): Promise<void> {
    const { current } = membership;
    if (current !== undefined && current.networkId !== target.networkId) {
      throw new DaemonError(
        'ALREADY_A_MEMBER',
        'this device belongs to another network; run "pcloud logout" first, then "pcloud up LINK" again',
      );
    }
    let worked: ReadonlyMap<string, string> = new Map();
    if (current !== undefined) {
      takeDown(true);
      worked = keeper.load(current.networkId);
      keep({ ...current, link: { channelKey: target.channelKey, urls: target.urls }, wanted: 'up' });
    } else {
      takeDown(false);
    }
    failure = undefined;
    await life.open(worked);
    setState(current === undefined ? 'joining' : 'up');
    startControl(target);
  }

  /** @throws DaemonError NOT_CONNECTED */
  function requireClient(): ControlClient {
    if (control !== undefined) return control.client;
    throw new DaemonError('NOT_CONNECTED', 'the network is down; run "pcloud up"');
  }

  async function rotate(signal: AbortSignal | undefined): Promise<string> {
    const client = requireClient();
    return rotateKey({ identity, client, adopted: (key) => life.tunnel?.replaceKey(key), log }, signal);
  }

  function outcomeNow(): JoinOutcome | undefined {
    const { map } = keeper;
    if (map !== undefined) return { kind: 'joined', name: map.self.name, addresses: map.self.addresses };
    return failure;
  }

  const facts = (): StatusFacts => ({
    state,
    version,
    interfaceName: options.name,
    map: keeper.map,
    presence: keeper.presence,
    tunnel: life.tunnel,
    control: control?.client.state ?? {
      connected: false,
      url: undefined,
      remoteAddress: undefined,
      problem: undefined,
    },
    pending,
    names: seams.names.status(),
    key: keyWatch.status,
  });

  function figures(): DaemonFigures {
    const { map } = keeper;
    const nodes = map === undefined ? [] : [...map.nodes.values()];
    const peers = nodes.map((node) => ({ ...describePeer(node, facts()), id: node.id }));
    return {
      state,
      connected: control?.client.state.connected ?? false,
      map: map && { epoch: map.epoch, revision: map.revision },
      peers: tally(peers.map(({ reason }) => reason)),
      online: peers.filter(({ online }) => online).length,
      events: { ...peerEvents },
      ...traffic.add(peers),
      ...(life.tunnel?.counters() ?? { device: {}, filter: {}, system: {} }),
      names: seams.names.status().counters,
    };
  }

  return {
    events,
    get map() {
      return keeper.map;
    },
    get tunnel() {
      return life.tunnel;
    },
    get control() {
      return control;
    },
    facts,
    status: () => describeMesh(facts()),
    figures: () => figures(),
    async join(target, signal) {
      await enqueue(() => startJoining(target));
      return events.until(() => outcomeNow() ?? pending, signal);
    },
    up: () => enqueue(bringUp),
    down: () =>
      enqueue(async () => {
        const { current } = membership;
        if (current !== undefined) keep({ ...current, wanted: 'down' });
        takeDown(false);
        setState(current === undefined ? 'none' : 'down');
      }),
    rotate: (signal) => enqueue(() => rotate(signal)),
    async askRenewal(signal) {
      const client = requireClient();
      renewalsBefore = keyWatch.renewals;
      return client.request('nodes.ask-renewal', {}, signal);
    },
    renewed: (signal) =>
      events.until(() => (keyWatch.renewals > renewalsBefore ? (keyWatch.status ?? undefined) : undefined), signal),
    leave: () =>
      enqueue(async () => {
        takeDown(false);
        membership.remove();
        seen.remove();
        store.remove();
        setState('none');
      }),
    joined: (signal) => events.until(outcomeNow, signal),
    close: ({ keepInterface }) =>
      enqueue(async () => {
        if (isClosed) return;
        isClosed = true;
        takeDown(keepInterface);
        identity.destroy();
      }),
  };
}
