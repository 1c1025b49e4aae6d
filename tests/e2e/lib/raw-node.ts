/** A machine that speaks the node channel by hand: what it sends, in which order and how often is the test's affair. */
import { randomBytes } from 'node:crypto';
import {
  type Channel,
  controlPrologue,
  createChannel,
  createInitiator,
  decodeBase64,
  decodeServerMessage,
  encodeBase64,
  type JoinLink,
  type NodeMessage,
  PROTOCOL_VERSIONS,
  proveNodeKey,
  type ServerMessage,
} from '@pcloud/netmap';
import { type Crypto, createNobleCrypto } from '@pcloud/wireguard';
import WebSocket from 'ws';
import { waitFor } from '../../lab/index.ts';
import type { Relay } from './relay.ts';

export const crypto: Crypto = createNobleCrypto();
const LIMIT_MS = 10_000;

export interface RawNode {
  readonly socket: WebSocket;
  readonly received: readonly ServerMessage[];
  /** Every frame that went out, the handshake first. */
  readonly sent: readonly Uint8Array[];
  /** The next frame of the channel, sent or not. */
  seal(text: string): Uint8Array;
  /** As `seal`, of a text that needs many. */
  sealAll(text: string): readonly Uint8Array[];
  sendFrame(frame: Uint8Array): void;
  say(message: NodeMessage): void;
  hello(): Promise<void>;
  /** Proves the node key and asks to be let in. */
  join(token: string | undefined, more?: Partial<Extract<NodeMessage, { kind: 'join' }>>): void;
  next<K extends ServerMessage['kind']>(kind: K): Promise<Extract<ServerMessage, { kind: K }>>;
  /** The code with which the server closed. */
  readonly closed: Promise<number>;
}

export interface RawKeys {
  readonly machine: Uint8Array;
  readonly node: Uint8Array;
}

export const newKeys = (): RawKeys => ({ machine: randomBytes(32), node: randomBytes(32) });

/** Opens a WebSocket, and nothing else. */
export async function openSocket(relay: Relay, path = '/control'): Promise<WebSocket> {
  const socket = new WebSocket(`ws://192.0.2.10:8443${path}`, {
    createConnection: () => relay.tls(),
    perMessageDeflate: false,
  } as WebSocket.ClientOptions);
  socket.on('error', () => {});
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  return socket;
}

export const closing = (socket: WebSocket): Promise<number> =>
  new Promise((resolve) => void socket.once('close', resolve));

/** Connects and shakes hands; every key is the machine's own. */
export async function openRawNode(relay: Relay, link: JoinLink, keys: RawKeys = newKeys()): Promise<RawNode> {
  const socket = await openSocket(relay);
  const closed = closing(socket);
  const initiator = createInitiator({
    crypto,
    prologue: controlPrologue(link.networkId),
    staticPrivate: keys.machine,
    remoteStatic: link.channelKey,
    ephemeralPrivate: randomBytes(32),
  });
  const received: ServerMessage[] = [];
  const sent: Uint8Array[] = [];
  let channel: Channel | undefined;
  let handshakeHash = new Uint8Array(0);

  socket.on('message', (data: Buffer) => {
    if (channel === undefined) {
      const result = initiator.finish(data)!;
      handshakeHash = result.hash.slice();
      channel = createChannel(result);
      return;
    }
    const opened = channel.open(data);
    const message = opened.kind === 'message' ? decodeServerMessage(opened.text) : undefined;
    if (message !== undefined) received.push(message);
  });

  const node: RawNode = {
    socket,
    received,
    sent,
    closed,
    seal: (text) => channel!.seal(text)[0]!,
    sealAll: (text) => channel!.seal(text),
    sendFrame(frame) {
      sent.push(frame);
      socket.send(frame);
    },
    say: (message) => node.sendFrame(node.seal(JSON.stringify(message))),
    async hello() {
      node.say({ kind: 'hello', versions: PROTOCOL_VERSIONS, program: 'a test', serverSet: 0 });
      await node.next('challenge');
    },
    join(token, more = {}) {
      const challenge = received.find((message) => message.kind === 'challenge')!;
      const challengeKey = decodeBase64(challenge.key, 32)!;
      const proof = proveNodeKey({ crypto, nodePrivate: keys.node, challengeKey, handshakeHash })!;
      node.say({
        kind: 'join',
        nodeKey: encodeBase64(crypto.publicKey(keys.node)),
        proof: encodeBase64(proof),
        name: 'raw',
        endpoints: [],
        ...(token === undefined ? {} : { token }),
        ...more,
      });
    },
    next: (kind) =>
      waitFor(
        `the server to say "${kind}"`,
        () => received.findLast((one) => one.kind === kind),
        LIMIT_MS,
        () => JSON.stringify(received),
      ) as never,
  };
  node.sendFrame(initiator.start()!);
  await waitFor('the handshake', () => channel !== undefined, LIMIT_MS);
  return node;
}
