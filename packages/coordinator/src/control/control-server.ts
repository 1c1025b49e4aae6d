/** The server's end of every node channel: who connects, what it may, and that it is still there. */
import type { RefusalCode, RevocationSet } from '@pcloud/netmap';
import type { Crypto } from '@pcloud/wireguard';
import type { Logger } from '../log.ts';
import type { Load } from '../maps/load.ts';
import type { MapSource } from '../maps/map-source.ts';
import type { PresenceTable } from '../maps/presence.ts';
import type { Network } from '../network/network.ts';
import type { KeyState } from '../nodes/key-life.ts';
import type { NodeRecord } from '../nodes/node-record.ts';
import type { RotateKey } from '../nodes/rotate.ts';
import { createRateLimiter } from '../rate-limiter.ts';
import type { Refusals } from '../refusals.ts';
import { type Connection, createConnection } from './connection.ts';

/** A connection that carries frames, as a WebSocket does. */
export interface FrameSocket {
  send(frame: Uint8Array): void;
  /** Bytes that were sent and not taken yet. */
  readonly pendingBytes: number;
  close(): void;
}

export interface ControlServer {
  /**
   * Takes a connection.
   * @param source the address it comes from, of a proxy's client where the proxy is trusted
   * @returns what takes its frames, or undefined when this source connects too often
   */
  accept(socket: FrameSocket, source: string): ConnectionInput | undefined;
  /** Ends a node's connection, and says why. */
  disconnect(nodeId: string, code: RefusalCode, message: string): void;
  /** Nodes that are connected, by id. */
  readonly connected: ReadonlyMap<string, unknown>;
  readonly counters: Readonly<Record<ControlCounter, number>>;
  /** Messages to nodes since the start, by kind. */
  readonly sent: Readonly<Record<string, { readonly messages: number; readonly bytes: number }>>;
  /** The list of what was revoked has grown. */
  tellRevocations(): void;
  /** It may be another matter how long the keys of these hold. */
  tellKeys(nodeIds: Iterable<string>): void;
  /**
   * Waits until that many of what was revoked, in the list's order, are in force at all nodes connected now but one,
   * or have gone away.
   * @returns ids of those where they are not, when it was given up
   */
  untilRevoked(count: number, revoked: string, limitMs: number): Promise<readonly string[]>;
  close(): void;
}

export interface ConnectionInput {
  handleFrame(frame: Uint8Array): void;
  /** What came is no frame: the connection is over. */
  handleFault(code: SocketFault): void;
  handleClose(): void;
}

/** `TEXT`: text where only binary messages belong. */
export type SocketFault = 'MALFORMED' | 'TEXT' | 'TOO_LARGE' | 'UNREAD';

export type ControlCounter =
  | 'connections'
  | 'rate-limited'
  | 'handshakes-refused'
  | 'frames-refused'
  | 'out-of-turn'
  | 'silent'
  | 'refused'
  | 'replaced';

/** Lets machines in. */
export interface Doorkeeper {
  /** Joins or resumes; never throws for what the machine said. */
  join(request: DoorRequest): Promise<DoorAnswer>;
  /** Asks for somebody's approval of a machine that has no token. */
  requestApproval(request: DoorRequest): Promise<PendingApproval>;
}

export interface DoorRequest {
  /** Public keys, base64; both are proven. */
  readonly machineKey: string;
  readonly nodeKey: string;
  readonly token: string | undefined;
  readonly wishedName: string;
  readonly source: string;
}

export type DoorAnswer =
  | { readonly kind: 'member'; readonly node: NodeRecord; readonly revision: number }
  | { readonly kind: 'stranger' }
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly message: string };

export interface PendingApproval {
  readonly code: string;
  readonly url: string;
  readonly expiresInMs: number;
  /** The same as `join`, once somebody decided. */
  readonly decided: Promise<DoorAnswer>;
  /** The machine went away. */
  cancel(): void;
}

export interface ControlDeps {
  readonly network: Network;
  readonly crypto: Crypto;
  readonly random: (out: Uint8Array) => void;
  readonly door: Doorkeeper;
  readonly maps: MapSource;
  readonly presence: PresenceTable;
  readonly load: Load;
  readonly revocations: Pick<RevocationSet, 'entries' | 'hash'>;
  /** How long the key of a node holds; undefined where there is no such node. */
  readonly keyStateOf: (nodeId: string) => KeyState | undefined;
  /** Runs an operation in the name of a node's user. @throws CoordinatorError, whose code and message are sent back */
  readonly request: (node: NodeRecord, operation: string, input: unknown, source: string) => Promise<unknown>;
  /** A node has another node key, which was proven. @throws CoordinatorError, as `request` */
  readonly rotate: RotateKey;
  readonly log: Logger;
  readonly refusals: Refusals;
  readonly program: string;
  /** Bytes of a message to a node; for tests, less than it takes. */
  readonly maxMessageBytes?: number;
  /** Monotonic and wall milliseconds. */
  readonly now: () => number;
  readonly wallMs: () => number;
  readonly setTimer: (callback: () => void, ms: number) => () => void;
}

/** How often one source may open connections: each costs a handshake. */
const CONNECTIONS_OF_SOURCE = { burst: 100, regainMs: 50 } as const;
const MAX_SOURCES = 10_000;

export function createControlServer(deps: ControlDeps): ControlServer {
  const byNode = new Map<string, Connection>();
  const all = new Set<Connection>();
  const limiter = createRateLimiter(deps.now, MAX_SOURCES);
  const counters: Record<ControlCounter, number> = {
    connections: 0,
    'rate-limited': 0,
    'handshakes-refused': 0,
    'frames-refused': 0,
    'out-of-turn': 0,
    silent: 0,
    refused: 0,
    replaced: 0,
  };
  const sent: Record<string, { messages: number; bytes: number }> = {};
  let isClosed = false;
  /** Who waits for confirmations: told of each, and of nodes that went away. */
  const waiting = new Set<(nodeId: string, confirmed: number) => void>();

  function noteConfirmed(nodeId: string, confirmed: number): void {
    for (const listener of waiting) listener(nodeId, confirmed);
  }

  return {
    counters,
    sent,
    connected: byNode,
    accept(socket, source) {
      if (isClosed) return undefined;
      const subject = { key: source, ...CONNECTIONS_OF_SOURCE };
      if (limiter.waitMs(subject) > 0) {
        counters['rate-limited'] += 1;
        deps.refusals.note('channel', 'RATE_LIMITED', source);
        return undefined;
      }
      limiter.take(subject);
      counters.connections += 1;
      const connection = createConnection(socket, source, {
        ...deps,
        count: (counter) => {
          counters[counter] += 1;
        },
        countSent(kind, bytes) {
          sent[kind] ??= { messages: 0, bytes: 0 };
          const ofKind = sent[kind];
          ofKind.messages += 1;
          ofKind.bytes += bytes;
        },
        handleMember(nodeId) {
          // The newest connection of a node wins: an older one is most likely dead and does not know it yet.
          const before = byNode.get(nodeId);
          byNode.set(nodeId, connection);
          if (before !== undefined && before !== connection) {
            counters.replaced += 1;
            before.end('REPLACED', 'another connection of this node took its place');
          }
        },
        handleEnd(nodeId) {
          all.delete(connection);
          if (nodeId === undefined || byNode.get(nodeId) !== connection) return;
          byNode.delete(nodeId);
          deps.presence.setOffline(nodeId);
          noteConfirmed(nodeId, Number.POSITIVE_INFINITY);
        },
        handleConfirmed: noteConfirmed,
      });
      all.add(connection);
      return connection;
    },
    disconnect(nodeId, code, message) {
      byNode.get(nodeId)?.end(code, message);
    },
    tellRevocations() {
      for (const connection of byNode.values()) connection.tellRevocations();
    },
    tellKeys(nodeIds) {
      for (const nodeId of nodeIds) byNode.get(nodeId)?.tellKey();
    },
    untilRevoked(count, revoked, limitMs) {
      const left = new Set<string>();
      for (const [nodeId, connection] of byNode) {
        if (nodeId !== revoked && connection.confirmedRevocations < count) left.add(nodeId);
      }
      if (left.size === 0) return Promise.resolve([]);
      return new Promise((resolve) => {
        const finish = (): void => {
          cancel();
          waiting.delete(listener);
          resolve([...left]);
        };
        const cancel = deps.setTimer(finish, limitMs);
        function listener(nodeId: string, confirmed: number): void {
          if (confirmed >= count && left.delete(nodeId) && left.size === 0) finish();
        }
        waiting.add(listener);
      });
    },
    close() {
      isClosed = true;
      for (const connection of [...all]) connection.end('TRY_LATER', 'the server stops');
    },
  };
}
