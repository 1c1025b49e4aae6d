import { formatAddress } from '@pcloud/ip';
import {
  type ChannelOutput,
  createServerChannel,
  decodeBase64,
  encodeBase64,
  formatNetworkId,
  type MapNode,
  type NetworkMap,
  type NodeMessage,
  networkId,
  parseNetworkId,
  type ServerMessage,
  type ServerSet,
  signKeyOf,
  signSeedOf,
  signServerSet,
  ulaFor,
  verifyNodeKey,
  writeMapMessage,
} from '@pcloud/netmap';
import { createNobleCrypto } from '@pcloud/wireguard';
import type { ConnectControl } from '../mesh/control/transport.ts';
import type { JoinTarget } from '../mesh/join-target.ts';

/** A coordinator in memory that speaks the node channel and does otherwise what a test says. */
export interface FakeControl {
  readonly url: string;
  readonly networkId: string;
  /** Base64. */
  readonly channelKey: string;
  readonly rootSeed: Uint8Array;
  readonly connect: ConnectControl;
  /** Channels, oldest first, ended ones too. */
  readonly sessions: FakeSession[];
  /** URLs that were tried. */
  readonly tried: string[];
  /** Nobody is there. */
  isAway: boolean;
  /** Takes what is sent and says nothing, as behind a cable that was pulled. */
  isSilent: boolean;
  /** What is sent of the server set; undefined for nothing. */
  signedSet: Uint8Array | undefined;
  version: number;
  /** What is said to a node whose proof is right. */
  admit: (session: FakeSession, join: Extract<NodeMessage, { kind: 'join' }>) => void;
  target(token?: string): JoinTarget;
  /** A server set of this server alone, signed by the root. */
  signSet(change?: Partial<ServerSet>): Uint8Array;
}

export interface FakeSession {
  readonly machineKey: string;
  /** Everything that the node said. */
  readonly received: NodeMessage[];
  readonly isOpen: boolean;
  send(message: ServerMessage): void;
  close(): void;
}

export const SERVER_URL = 'https://192.0.2.100:8443';

/** @param seed makes other networks of other numbers */
export function createFakeControl(seed = 1, url: string = SERVER_URL): FakeControl {
  const crypto = createNobleCrypto();
  const rootSeed = new Uint8Array(32).fill(seed);
  const channelPrivate = new Uint8Array(32).fill(seed + 100);
  const channelKey = encodeBase64(crypto.publicKey(channelPrivate));
  const id = networkId(signKeyOf(rootSeed));
  const serverSet: ServerSet = {
    number: 1,
    servers: [{ channelKey, signKey: encodeBase64(signKeyOf(signSeedOf(channelPrivate))), urls: [url] }],
  };
  const signSet: FakeControl['signSet'] = (change) => signServerSet({ ...serverSet, ...change }, rootSeed);
  const control: FakeControl = {
    url,
    networkId: formatNetworkId(id),
    channelKey,
    rootSeed,
    sessions: [],
    tried: [],
    isAway: false,
    isSilent: false,
    signedSet: signSet(),
    version: 1,
    admit: (session) => session.send({ kind: 'welcome', nodeId: 'n1', program: 'fake 1' }),
    signSet,
    target: (token) => ({
      urls: [url],
      networkId: control.networkId,
      channelKey,
      ...(token === undefined ? {} : { token }),
    }),
    connect: async (tried) => {
      control.tried.push(tried);
      if (control.isAway) throw new Error('connect ECONNREFUSED');
      return openTransport(control, channelPrivate, id);
    },
  };
  return control;
}

function openTransport(
  control: FakeControl,
  channelPrivate: Uint8Array,
  id: Uint8Array,
): Awaited<ReturnType<ConnectControl>> {
  const crypto = createNobleCrypto();
  const challengePrivate = new Uint8Array(32).fill(55);
  const channel = createServerChannel({
    crypto,
    networkId: id,
    channelPrivate,
    ephemeralPrivate: new Uint8Array(32).fill(77),
  });
  let toNode: { frame: (frame: Uint8Array) => void; closed: (why: string) => void } | undefined;
  let isOpen = true;
  let hash = new Uint8Array(0);
  const session = {
    machineKey: '',
    received: [] as NodeMessage[],
    get isOpen() {
      return isOpen;
    },
    send: (message: ServerMessage) => take(channel.send(message)),
    close: () => end('the server went away'),
  };
  control.sessions.push(session);

  function end(why: string): void {
    if (!isOpen) return;
    isOpen = false;
    queueMicrotask(() => toNode?.closed(why));
  }

  function take(outputs: readonly ChannelOutput<NodeMessage>[]): void {
    for (const output of outputs) {
      switch (output.kind) {
        case 'transmit':
          if (!control.isSilent) queueMicrotask(() => isOpen && toNode?.frame(output.frame));
          break;
        case 'open':
          hash = output.hash.slice();
          session.machineKey = encodeBase64(output.remoteKey);
          break;
        case 'message':
          session.received.push(output.message);
          handle(output.message);
          break;
        case 'close':
          end(`channel ${output.code}`);
      }
    }
  }

  function handle(message: NodeMessage): void {
    if (message.kind === 'ping') session.send({ kind: 'pong', id: message.id });
    if (message.kind === 'hello') {
      session.send({
        kind: 'challenge',
        version: control.version,
        key: encodeBase64(crypto.publicKey(challengePrivate)),
        ...(control.signedSet === undefined ? {} : { serverSet: encodeBase64(control.signedSet) }),
        wallMs: 0,
      });
    }
    if (message.kind === 'join') {
      const nodeKey = decodeBase64(message.nodeKey, 32)!;
      const proof = decodeBase64(message.proof, 32)!;
      if (verifyNodeKey({ crypto, nodeKey, challengePrivate, handshakeHash: hash, proof })) {
        control.admit(session, message);
      } else {
        session.send({ kind: 'refused', code: 'KEY_PROOF_INVALID', message: 'no proof' });
      }
    }
  }

  return {
    remoteAddress: '192.0.2.100',
    send(frame) {
      if (!isOpen || control.isSilent) return;
      const copy = frame.slice();
      queueMicrotask(() => isOpen && take(channel.handleFrame(copy)));
    },
    listen(callbacks) {
      toNode = callbacks;
    },
    close() {
      isOpen = false;
    },
  };
}

/** Where the IPv6 range of a network begins, as text that a number may follow: `fd12:3456:789a::`. */
function rangeOf(id: string): string {
  return formatAddress(ulaFor(parseNetworkId(id)!).address);
}

const FIRST_NETWORK = rangeOf(createFakeControl().networkId);

/** The IPv6 range of the first network. */
export const RANGE6: string = `${FIRST_NETWORK}/64`;

/** The IPv6 address of a node of it. */
export function address6(number: number): string {
  return `${FIRST_NETWORK}${number}`;
}

/** A node for maps: number 2 is `n2`, 10.0.0.2 and `address6(2)`. */
export function createNode(number: number, nodeKey: Uint8Array, change: Partial<MapNode> = {}): MapNode {
  return {
    id: `n${number}`,
    name: `node-${number}`,
    user: 'ada',
    tags: [],
    role: 'client',
    nodeKey: encodeBase64(nodeKey),
    addresses: [`10.0.0.${number}`, address6(number)],
    ...change,
  };
}

/** A map of nodes, the first of which is the one it is for. */
export function createMap(
  control: FakeControl,
  nodes: readonly MapNode[],
  change: Partial<NetworkMap> = {},
): NetworkMap {
  const range = rangeOf(control.networkId);
  const [self, ...others] = nodes.map((node) => ({
    ...node,
    addresses: node.addresses.map((address) => address.replace(FIRST_NETWORK, range)),
  }));
  return {
    epoch: 1,
    revision: 1,
    network: { id: control.networkId, prefixes: ['10.0.0.0/16', `${range}/64`], domain: 'pcloud', relays: [] },
    self: self!,
    nodes: new Map(others.map((node) => [node.id, node])),
    ...change,
  };
}

/** Lets a node in with a map that is made for it. */
export function admitWith(control: FakeControl, mapFor: (nodeKey: Uint8Array) => NetworkMap): void {
  control.admit = (session, join) => {
    session.send({ kind: 'welcome', nodeId: 'n1', program: 'fake 1' });
    session.send(writeMapMessage(mapFor(decodeBase64(join.nodeKey, 32)!)));
  };
}

/** Lets everything happen that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}
