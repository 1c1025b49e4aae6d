/**
 * A node that is only its channel: it joins, resumes and answers, and of what it is told it keeps what it needs for
 * that. Maps are not made of it, so that a machine has room for thousands beside the coordinator that is measured.
 */
import { randomFillSync } from 'node:crypto';
import { decodeBase64, encodeBase64, encodeMessage, type NodeMessage, proveNodeKey } from '@pcloud/netmap';
import type { Crypto } from '@pcloud/wireguard';
import { type Channel, createChannel } from '../../packages/netmap/src/channel/channel.ts';
import { controlPrologue } from '../../packages/netmap/src/channel/handshake.ts';
import { createInitiator, type Initiator } from '../../packages/netmap/src/channel/initiator.ts';
import { MAX_SERVER_MESSAGE_BYTES } from '../../packages/netmap/src/schema/limits.ts';

export interface FleetNodeOptions {
  readonly crypto: Crypto;
  readonly networkId: Uint8Array;
  readonly channelKey: Uint8Array;
  readonly token: string;
  readonly name: string;
  /** Sends a frame. */
  readonly send: (frame: Uint8Array) => void;
  /** It is a member, and has its first map or delta. */
  readonly handleReady: () => void;
  /** Nodes of a map or delta came that is not the first of a connection. */
  readonly handleChange: (names: readonly string[]) => void;
  readonly handleRefused: (code: string) => void;
}

export interface FleetNode {
  /** A new connection, which goes on from the map that it had. */
  start(): void;
  handleFrame(frame: Uint8Array): void;
  /** Bytes of frames with changes of a map that came since the last time that it was asked. */
  takeBytes(): number;
}

interface Message {
  readonly kind: string;
  readonly id: number;
  readonly key: string;
  readonly code: string;
  readonly epoch: number;
  readonly revision: number;
  readonly to: number;
  readonly hash: string;
  readonly nodes: readonly { readonly name: string }[];
  readonly changed: readonly { readonly name: string }[];
}

export function createFleetNode(options: FleetNodeOptions): FleetNode {
  const { crypto } = options;
  const [machinePrivate, nodePrivate] = [fresh(), fresh()];
  const nodeKey = encodeBase64(crypto.publicKey(nodePrivate));
  let initiator: Initiator | undefined;
  let channel: Channel | undefined;
  let handshakeHash = new Uint8Array(0);
  let map: { epoch: number; revision: number; hash: string } | undefined;
  let isReady = false;
  let bytes = 0;
  let messageBytes = 0;

  function send(message: NodeMessage): void {
    for (const frame of channel!.seal(encodeMessage(message))) options.send(frame);
  }

  function open(frame: Uint8Array): void {
    const result = initiator!.finish(frame);
    if (result === undefined) throw new Error('the coordinator does not know its key');
    handshakeHash = result.hash.slice();
    channel = createChannel(result, { maxReceivedBytes: MAX_SERVER_MESSAGE_BYTES });
    send({ kind: 'hello', versions: { least: 1, most: 1 }, program: 'bench', serverSet: 1 });
  }

  function join(key: string): void {
    const proof = proveNodeKey({ crypto, nodePrivate, challengeKey: decodeBase64(key)!, handshakeHash })!;
    send({
      kind: 'join',
      nodeKey,
      proof: encodeBase64(proof),
      name: options.name,
      endpoints: ['192.0.2.7:51820', '[2001:db8::7]:51820'],
      ...(map === undefined ? { token: options.token } : { map }),
    });
  }

  function take(message: Message): void {
    if (message.kind === 'challenge') join(message.key);
    else if (message.kind === 'ping') send({ kind: 'pong', id: message.id });
    else if (message.kind === 'refused') options.handleRefused(message.code);
    else if (message.kind === 'map' || message.kind === 'delta') {
      map = { epoch: message.epoch, revision: message.revision ?? message.to, hash: message.hash };
      const names = (message.nodes ?? message.changed).map(({ name }) => name);
      if (isReady) {
        bytes += messageBytes;
        options.handleChange(names);
      } else options.handleReady();
      isReady = true;
    }
  }

  return {
    start() {
      channel?.destroy();
      channel = undefined;
      isReady = false;
      initiator = createInitiator({
        crypto,
        prologue: controlPrologue(options.networkId),
        staticPrivate: machinePrivate,
        remoteStatic: options.channelKey,
        ephemeralPrivate: fresh(),
      });
      options.send(initiator.start()!);
    },
    handleFrame(frame) {
      if (channel === undefined) {
        open(frame);
        return;
      }
      const opened = channel.open(frame);
      if (opened.kind === 'bad') throw new Error(`a frame is bad: ${opened.code}`);
      messageBytes += frame.length;
      if (opened.kind !== 'message') return;
      take(JSON.parse(opened.text) as Message);
      messageBytes = 0;
    },
    takeBytes() {
      const taken = bytes;
      bytes = 0;
      return taken;
    },
  };
}

function fresh(): Uint8Array {
  return randomFillSync(new Uint8Array(32));
}
