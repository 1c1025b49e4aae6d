/** A control server on a memory store and nodes that talk to it without sockets, all on one fake clock. */
import {
  applyDelta,
  type ClientChannel,
  createClientChannel,
  createRevocationSet,
  decodeBase64,
  encodeBase64,
  type MapVersion,
  type NetworkMap,
  type NodeMessage,
  PROTOCOL_VERSIONS,
  type Presence,
  proveNodeKey,
  type RevocationSet,
  readMapMessage,
  type ServerMessage,
} from '@pcloud/netmap';
import { type Crypto, createNobleCrypto } from '@pcloud/wireguard';
import {
  type ConnectionInput,
  type ControlDeps,
  type ControlServer,
  createControlServer,
  type Doorkeeper,
} from '../control/control-server.ts';
import { silentLogger } from '../log.ts';
import { createLoad } from '../maps/load.ts';
import { createMapSource, type MapSource } from '../maps/map-source.ts';
import { createPresenceTable, type PresenceTable } from '../maps/presence.ts';
import { type Network, openNetwork } from '../network/network.ts';
import type { Admission } from '../nodes/admission.ts';
import { joinNode } from '../nodes/join.ts';
import { createRegistry, type Registry } from '../nodes/registry.ts';
import { createRefusals, type Refusals } from '../refusals.ts';
import { createMemoryStore, type Store } from '../store/index.ts';
import { createFakeTimers, type FakeTimers } from './fake-timers.ts';

export const crypto: Crypto = createNobleCrypto();
/** Wall time at which the fake clock began. */
export const WALL_START_MS = 1_700_000_000_000;

export interface MemoryControl {
  readonly store: Store;
  readonly clock: FakeTimers;
  readonly network: Network;
  readonly registry: Registry;
  readonly maps: MapSource;
  readonly presence: PresenceTable;
  readonly server: ControlServer;
  readonly refusals: Refusals;
  /** Whether a machine without a token is let in, what tokens there are: by default any token is good. */
  admission: (token: string | undefined) => Admission | { refusal: 'TOKEN_UNKNOWN' } | 'stranger';
  wallMs(): number;
  addNode(name: string, options?: MemoryNodeOptions): MemoryNode;
  /** Lets time pass, and all that waits for it be done. */
  advance(ms: number): Promise<void>;
  /** Lets everything that is under way come to rest. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

export interface MemoryNodeOptions {
  readonly machineKey?: Uint8Array;
  readonly nodeKey?: Uint8Array;
  readonly source?: string;
  readonly token?: string | undefined;
  readonly endpoints?: readonly string[];
  readonly map?: MapVersion & { readonly hash: string };
  /** Of the protocol. Default: those there are. */
  readonly versions?: { readonly least: number; readonly most: number };
  /** What it has on disk. */
  readonly revocations?: RevocationSet;
  /** Takes nothing that is sent to it: bytes pile up. */
  readonly reads?: boolean;
}

/** A node as a test sees it: what it was sent, and the map it made of it. */
export interface MemoryNode {
  readonly machineKey: Uint8Array;
  readonly nodeKey: Uint8Array;
  readonly received: ServerMessage[];
  map: NetworkMap | undefined;
  readonly presence: Map<string, Presence>;
  /** Deltas that did not fit. */
  mismatches: number;
  /** Nodes of whose presence it was told, and that are in no map of its. */
  strangers: number;
  isClosed: boolean;
  /** Bytes the server believes that this node has not taken. */
  pendingBytes: number;
  /** Whether it answers pings. */
  answers: boolean;
  readonly revocations: RevocationSet;
  /** Whether it confirms what was revoked. */
  confirms: boolean;
  send(message: NodeMessage): void;
  /** That it has the private half, to the server at the other end of its channel; base64. */
  prove(nodePrivate: Uint8Array): string;
  sendFrame(frame: Uint8Array): void;
  last<K extends ServerMessage['kind']>(kind: K): Extract<ServerMessage, { kind: K }> | undefined;
  disconnect(): void;
}

export async function createMemoryControl(
  stateDir: string,
  overrides: Partial<Pick<ControlDeps, 'door' | 'request' | 'maxMessageBytes'>> = {},
): Promise<MemoryControl> {
  const clock = createFakeTimers();
  const store = await createMemoryStore({ clock });
  let seed = 1;
  const random = (out: Uint8Array): void => {
    for (let i = 0; i < out.length; i++) {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      out[i] = seed >>> 24;
    }
  };
  const prefix4 = { address: Uint8Array.of(10, 0, 0, 0), length: 16 };
  const network = await openNetwork(
    { stateDir, prefix4, urls: ['https://192.0.2.1:8443'] },
    { store, crypto, random, log: silentLogger },
  );
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => void clock.setTimer(resolve, ms));
  const registry = await createRegistry({ store, log: silentLogger, sleep });
  const maps = createMapSource(registry, { epoch: network.epoch, network: network.face });
  const load = createLoad(clock.now);
  const presence = createPresenceTable(maps, clock.setTimer, load);
  const wallMs = (): number => WALL_START_MS + clock.now();
  let ids = 0;

  const door: Doorkeeper = {
    async join({ machineKey, nodeKey, token, wishedName }) {
      const admitted = control.admission(token);
      const outcome = await joinNode(
        { machineKey, nodeKey, wishedName },
        async () => (admitted === 'stranger' ? ({ refusal: 'STRANGER' } as const) : admitted),
        { store, registry, prefix: prefix4, now: wallMs, newId: () => `n${++ids}` },
      );
      if ('node' in outcome) {
        await registry.reach(outcome.revision);
        return { kind: 'member', ...outcome };
      }
      if (outcome.refusal === 'STRANGER') return { kind: 'stranger' };
      return { kind: 'refused', code: outcome.refusal, message: outcome.refusal };
    },
    async requestApproval() {
      return { code: 'ABCD', url: 'https://x', expiresInMs: 1, decided: new Promise(() => {}), cancel() {} };
    },
  };
  const refusals = createRefusals({ log: silentLogger, now: clock.now });
  const server = createControlServer({
    network,
    crypto,
    random,
    door,
    maps,
    presence,
    load,
    request: async () => null,
    rotate: async () => {},
    log: silentLogger,
    revocations: registry.revocations,
    keyStateOf: () => undefined,
    refusals,
    program: 'test',
    now: clock.now,
    wallMs,
    setTimer: clock.setTimer,
    ...overrides,
  });

  const telling = registry.subscribeRevocations(server.tellRevocations);

  function key(): Uint8Array {
    const bytes = new Uint8Array(32);
    random(bytes);
    return bytes;
  }

  const control: MemoryControl = {
    store,
    clock,
    network,
    registry,
    maps,
    presence,
    server,
    refusals,
    admission: () => ({ userId: 'u1', tags: [], ephemeral: false, compare: [], put: [] }),
    wallMs,
    addNode: (name, options = {}) =>
      createMemoryNode(name, server, network, {
        ...options,
        machineKey: options.machineKey ?? key(),
        nodeKey: options.nodeKey ?? key(),
        ephemeral: key(),
      }),
    async settle() {
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    },
    async advance(ms) {
      await control.settle();
      for (let left = ms; left > 0; left -= 50) {
        clock.advance(Math.min(50, left));
        await control.settle();
      }
    },
    async close() {
      telling();
      server.close();
      presence.close();
      maps.close();
      registry.close();
      await store.close();
    },
  };
  return control;
}

/** A machine that connects and greets at once. */
export function createMemoryNode(
  name: string,
  server: ControlServer,
  network: Network,
  options: MemoryNodeOptions & { machineKey: Uint8Array; nodeKey: Uint8Array; ephemeral: Uint8Array },
): MemoryNode {
  const channel: ClientChannel = createClientChannel({
    crypto,
    networkId: network.id,
    machinePrivate: options.machineKey,
    channelKey: network.channelPublic,
    ephemeralPrivate: options.ephemeral,
  });
  let handshakeHash = new Uint8Array(0);
  let challengeKey = new Uint8Array(0);
  let input: ConnectionInput | undefined;

  const perform = (outputs: ReturnType<ClientChannel['handleFrame']>): void => {
    for (const output of outputs) {
      if (output.kind === 'transmit') input?.handleFrame(output.frame);
      else if (output.kind === 'open') {
        handshakeHash = output.hash.slice();
        node.send({ kind: 'hello', versions: options.versions ?? PROTOCOL_VERSIONS, program: 'test', serverSet: 0 });
      } else if (output.kind === 'message') take(output.message);
      else node.isClosed = true;
    }
  };

  const take = (message: ServerMessage): void => {
    node.received.push(message);
    if (message.kind === 'challenge') {
      challengeKey = decodeBase64(message.key)!.slice();
      const token = 'token' in options ? options.token : 'any';
      node.send({
        kind: 'join',
        nodeKey: encodeBase64(crypto.publicKey(options.nodeKey)),
        proof: node.prove(options.nodeKey),
        name,
        endpoints: options.endpoints ?? ['192.0.2.7:1000'],
        ...(token === undefined ? {} : { token }),
        ...(options.map === undefined ? {} : { map: options.map }),
      });
    } else if (message.kind === 'map') {
      accept(readMapMessage(message));
    } else if (message.kind === 'delta') {
      const next = node.map && applyDelta(node.map, message);
      if (next === undefined) {
        node.mismatches += 1;
        node.send({ kind: 'resync' });
      } else accept(next);
    } else if (message.kind === 'presence') {
      for (const each of message.nodes) {
        if (each.id !== node.map?.self.id && !node.map?.nodes.has(each.id)) node.strangers += 1;
        node.presence.set(each.id, each);
      }
    } else if (message.kind === 'revocations') {
      node.revocations.add(message.nodes);
      if (node.confirms) node.send({ kind: 'revoked', id: message.id, hash: node.revocations.hash });
    } else if (message.kind === 'ping' && node.answers) node.send({ kind: 'pong', id: message.id });
  };

  /** As a daemon does, it forgets where those are that it does not see any more. */
  const accept = (map: NetworkMap | undefined): void => {
    node.map = map;
    for (const id of node.presence.keys()) if (!map?.nodes.has(id) && id !== map?.self.id) node.presence.delete(id);
  };

  const node: MemoryNode = {
    machineKey: options.machineKey,
    nodeKey: options.nodeKey,
    received: [],
    map: undefined,
    presence: new Map(),
    mismatches: 0,
    strangers: 0,
    isClosed: false,
    pendingBytes: 0,
    answers: true,
    revocations: options.revocations ?? createRevocationSet(),
    confirms: true,
    send: (message) => perform(channel.send(message)),
    prove: (nodePrivate) => encodeBase64(proveNodeKey({ crypto, nodePrivate, challengeKey, handshakeHash })!),
    sendFrame: (frame) => input?.handleFrame(frame),
    last: (kind) => node.received.findLast((message) => message.kind === kind) as never,
    disconnect() {
      node.isClosed = true;
      input?.handleClose();
    },
  };
  input = server.accept(
    {
      // As over a wire: not within the call that sends.
      send(frame) {
        if (options.reads === false) node.pendingBytes += frame.length;
        queueMicrotask(() => {
          if (!node.isClosed) perform(channel.handleFrame(frame));
        });
      },
      get pendingBytes() {
        return node.pendingBytes;
      },
      close() {
        queueMicrotask(() => {
          node.isClosed = true;
        });
      },
    },
    options.source ?? '198.51.100.7',
  );
  if (input === undefined) node.isClosed = true;
  else perform(channel.start());
  return node;
}
