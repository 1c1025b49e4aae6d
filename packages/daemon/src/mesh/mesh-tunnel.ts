import { formatEndpoint, type Prefix } from '@pcloud/ip';
import type { MapNode, NetworkMap, Presence } from '@pcloud/netmap';
import type { DeviceEvent, Peer } from '@pcloud/wireguard';
import { DaemonError } from '../errors.ts';
import type { Hands } from '../hands.ts';
import type { Logger } from '../log.ts';
import type { StampStore } from '../stamp-store.ts';
import { createTunnel } from '../tunnel.ts';
import { createMeshInterface, MESH_MTU, type MeshInterface } from './interface/mesh-interface.ts';
import { prefixesOf } from './interface/plan.ts';
import type { MachineNetwork } from './machine.ts';
import type { MeshNames } from './names.ts';
import { createEndpointChoice, type EndpointChoice, isAnswering } from './peers/endpoint-choice.ts';
import { withFanOut } from './peers/fan-out.ts';
import { localEndpoints } from './peers/local-endpoints.ts';
import { createMapApplier, type MapApplier } from './peers/map-applier.ts';
import { createMeshFilter } from './peers/mesh-filter.ts';
import { receivedEndpoints } from './peers/received-endpoints.ts';
import type { Identity } from './state/identity.ts';

/** Interface and device of a member, from `up` to `down`. */
export interface MeshTunnel {
  readonly port: number;
  readonly conflict: MeshInterface['conflict'];
  readonly choice: EndpointChoice;
  apply(map: NetworkMap): void;
  /** Where nodes of the map are. */
  setPresence(nodes: readonly Presence[]): void;
  /** The machine's addresses or routes changed. */
  handleMachine(): void;
  /** The machine has another way out: peers learn by a packet where it is now. */
  handleMoved(): void;
  /** Peers may have sessions with somebody else in our place: those that are in use are made anew. */
  renewSessions(): void;
  /** An address that is known to lead to a server. */
  prove(address: string): void;
  /** Where this node can be reached. */
  endpoints(): string[];
  peerOf(node: MapNode): Peer | undefined;
  /** The device goes on under another key; peers that know the former one alone are talked to by that for a day. */
  replaceKey(privateKey: Uint8Array): void;
  /** Since it was opened: of the device, of the packet filter, of what the kernel refused. */
  counters(): Readonly<Record<'device' | 'filter' | 'system', Readonly<Record<string, number>>>>;
  /** Ends it. Who keeps the interface has packets wait for the next daemon. */
  close(options: { readonly keepInterface: boolean }): void;
}

export interface MeshTunnelDeps {
  readonly hands: Hands;
  readonly identity: Identity;
  readonly stamps: StampStore;
  readonly network: MachineNetwork;
  readonly nameservers: () => readonly Uint8Array[];
  readonly names: MeshNames;
  readonly random: (out: Uint8Array) => void;
  /** Endpoints that worked before, by node id. */
  readonly worked: ReadonlyMap<string, string>;
  readonly log: Logger;
  readonly version: string;
  readonly handleEvent: (event: DeviceEvent, nodeId: string) => void;
  readonly handleGone: (why: string) => void;
}

export interface MeshTunnelOptions {
  /** UDP port; 0 for any. */
  readonly port: number;
  /** Whether another port will not do. */
  readonly isPortFixed: boolean;
}

/** How long a peer may be without a coordinator, and be reached after our key was replaced. */
const FORMER_KEY_MS = 86_400_000;

/** @throws DaemonError SOCKET_FAILED; what the hands hold is freed then */
export async function openMeshTunnel(options: MeshTunnelOptions, deps: MeshTunnelDeps): Promise<MeshTunnel> {
  const { hands, network, log, names } = deps;
  const { clock, tun } = hands;
  const filter = createMeshFilter(clock.now(), randomWord(deps.random));
  const tunnel = createTunnel({
    hands: {
      ...hands,
      plane: withFanOut(hands.plane, (endpoint, now) => choice.handleInitiation(endpoint, now), clock),
    },
    stamps: deps.stamps,
    filter,
    readNames: async () => new Map(),
    resolve: async () => [],
    log,
    version: deps.version,
    handlePeerEvent,
    handleGone: deps.handleGone,
  });
  const { device, driver, sockets } = tunnel;
  const meshInterface = createMeshInterface({ name: tun.name, network, nameservers: deps.nameservers, log });
  const choice: EndpointChoice = createEndpointChoice({
    worked: deps.worked,
    setEndpoint: (peer, endpoint) =>
      driver.change((now) => {
        peer.setEndpoint(endpoint);
        peer.start(now);
      }),
  });
  const applier: MapApplier = createMapApplier({ device, log, handleAdded, handleRekeyed });
  const presence = new Map<string, Presence>();
  const proven = new Set<string>();
  let current: NetworkMap | undefined;
  let meshPrefixes: Prefix[] = [];
  /** Of all nodes; made when it is asked for. */
  let meshAddresses: ReadonlySet<string> | undefined;
  let stopLink = (): void => {};
  let forgetFormer = (): void => {};

  function handlePeerEvent(event: DeviceEvent, peer: Peer): void {
    const nodeId = applier.nodeIdOf(peer);
    if (nodeId === undefined) return;
    if (event === 'handshake-retry') choice.handleRetry(nodeId);
    else if (event === 'handshake-failed') choice.handleFailed(nodeId);
    else choice.handleWorks(nodeId, clock.now());
    deps.handleEvent(event, nodeId);
  }

  function handleAdded(nodeId: string, peer: Peer): void {
    choice.attach(nodeId, peer);
    driver.change((now) => {
      // It knew of us first, and asked in vain: it is asked now, rather than left to try again after seconds.
      const from = device.takeStranger(peer.publicKey, now);
      if (from !== undefined) peer.setEndpoint(from);
      // It may have a session with who ran here before, under which it would send in vain for some seconds.
      if (from !== undefined || deps.worked.has(nodeId)) greet(peer, now);
    });
  }

  /** It is asked at once where it asked in vain before we knew its key. Called inside `driver.change`. */
  function handleRekeyed(peer: Peer): void {
    const now = clock.now();
    const from = device.takeStranger(peer.publicKey, now);
    if (from === undefined) return;
    peer.setEndpoint(from);
    greet(peer, now);
  }

  function isNode(address: string): boolean {
    const nodes = current === undefined ? [] : [current.self, ...current.nodes.values()];
    meshAddresses ??= new Set(nodes.flatMap((node) => node.addresses));
    return meshAddresses.has(address);
  }

  function offer(ids: Iterable<string>): void {
    const index = network.linkInfo(tun.name)?.index ?? 0;
    const around = {
      meshPrefixes,
      isNode,
      addresses: network.addressList().filter((one) => one.index !== index),
      port: sockets.listenPort,
      proven,
    };
    for (const id of ids) {
      const { endpoints = [] } = presence.get(id) ?? {};
      choice.offer(id, receivedEndpoints(endpoints, around));
    }
  }

  function close({ keepInterface }: { readonly keepInterface: boolean }): void {
    names.stop();
    forgetFormer();
    stopLink();
    tunnel.close();
    if (keepInterface || network.linkInfo(tun.name) === undefined) return;
    try {
      network.deleteLink(tun.name);
    } catch (error) {
      log.error({ code: (error as NodeJS.ErrnoException).code ?? 'unknown' }, 'the interface cannot be removed');
    }
  }

  async function open(): Promise<void> {
    driver.change((now) => device.setPrivateKey(deps.identity.node.privateKey, now));
    await sockets.setListenPort(options.port);
    network.linkSet(tun.name, { mtu: MESH_MTU, up: true });
    stopLink = hands.watchLink(tun.name, tunnel.link);
    // Waits for the change that the link's state brought about.
    await sockets.setUp(true);
    if (device.isUp) return;
    if (options.isPortFixed) {
      throw new DaemonError(
        'SOCKET_FAILED',
        `UDP port ${options.port} cannot be opened; stop what uses it, or choose another with --port`,
      );
    }
    log.warn({ port: options.port }, 'the UDP port is in use; another one is taken');
    await sockets.setListenPort(0);
  }

  try {
    await open();
  } catch (error) {
    close({ keepInterface: false });
    throw error;
  }
  return {
    get port() {
      return sockets.listenPort;
    },
    get conflict() {
      return meshInterface.conflict;
    },
    choice,
    apply(map) {
      const before = current;
      current = map;
      meshAddresses = undefined;
      if (before?.network !== map.network) {
        meshPrefixes = prefixesOf(map);
        offer(presence.keys());
      }
      meshInterface.apply(map);
      driver.change((now) => {
        applier.apply(map, now);
        filter.apply(map, (node) => applier.peerOf(node.id), now);
      });
      for (const id of before?.nodes.keys() ?? []) {
        if (map.nodes.has(id)) continue;
        choice.forget(id);
        presence.delete(id);
      }
      names.apply(map);
    },
    setPresence(nodes) {
      for (const node of nodes) presence.set(node.id, node);
      offer(nodes.map(({ id }) => id));
    },
    handleMachine() {
      if (current !== undefined) meshInterface.apply(current);
      offer(presence.keys());
    },
    handleMoved() {
      driver.change((now) => {
        for (const peer of device.peers()) if (isAnswering(peer)) greet(peer, now);
      });
    },
    renewSessions: () => driver.change((now) => device.handleResume(now)),
    prove(address) {
      if (proven.has(address)) return;
      proven.add(address);
      offer(presence.keys());
    },
    endpoints: () =>
      localEndpoints(network.addressList(), {
        port: sockets.listenPort,
        ownIndex: network.linkInfo(tun.name)?.index ?? 0,
      }),
    peerOf: (node) => applier.peerOf(node.id),
    replaceKey(privateKey) {
      forgetFormer();
      driver.change((now) => device.replacePrivateKey(privateKey, now));
      forgetFormer = clock.setTimer(() => driver.change(() => device.forgetFormerKey()), FORMER_KEY_MS);
    },
    counters: () => ({ device: device.counters, filter: filter.counters, system: hands.counters() }),
    close,
  };
}

function randomWord(random: (out: Uint8Array) => void): number {
  const word = new Uint32Array(1);
  random(new Uint8Array(word.buffer));
  return word[0]!;
}

/** Sends one keepalive, which makes a session where there is none. */
function greet(peer: Peer, now: number): void {
  const seconds = peer.keepaliveIntervalSeconds;
  // From off to on, one is sent at once.
  peer.setKeepaliveInterval(0, now);
  peer.setKeepaliveInterval(seconds || 1, now);
  peer.start(now);
  peer.setKeepaliveInterval(seconds, now);
}

/** Where packets to a peer go now, as text; undefined while it has no endpoint. */
export function endpointOf(peer: Peer): string | undefined {
  const endpoint = peer.copyEndpoint();
  return endpoint && formatEndpoint(endpoint);
}
