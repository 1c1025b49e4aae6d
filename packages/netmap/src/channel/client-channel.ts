import type { Crypto } from '@pcloud/wireguard';
import { NetmapError } from '../errors.ts';
import { decodeServerMessage, encodeMessage } from '../message-schema.ts';
import type { NodeMessage, ServerMessage } from '../messages.ts';
import { MAX_NODE_MESSAGE_BYTES, MAX_SERVER_MESSAGE_BYTES } from '../schema/limits.ts';
import { controlPrologue } from './handshake.ts';
import { createInitiator } from './initiator.ts';
import { type ChannelOutput, createSession, type Session } from './session.ts';

export interface ClientChannelOptions {
  readonly crypto: Crypto;
  /** 32 bytes. */
  readonly networkId: Uint8Array;
  /** The machine key; copied. */
  readonly machinePrivate: Uint8Array;
  /** The server's channel key, from the join link or the server set. */
  readonly channelKey: Uint8Array;
  /** 32 fresh random bytes; copied. */
  readonly ephemeralPrivate: Uint8Array;
}

/** The node's end of the node channel. Give it every frame that arrives, in order, and do what it says. */
export interface ClientChannel {
  /** The first frame to send, once the connection is there. */
  start(): ChannelOutput<ServerMessage>[];
  handleFrame(frame: Uint8Array): ChannelOutput<ServerMessage>[];
  /**
   * Frames to send; none when the channel is over.
   * @throws NetmapError CHANNEL_NOT_OPEN before `open`; TOO_LARGE
   */
  send(message: NodeMessage): ChannelOutput<ServerMessage>[];
  /** Zeroes all keys. */
  destroy(): void;
}

/** @throws NetmapError INVALID_KEY */
export function createClientChannel(options: ClientChannelOptions): ClientChannel {
  const initiator = createInitiator({
    crypto: options.crypto,
    prologue: controlPrologue(options.networkId),
    staticPrivate: options.machinePrivate,
    remoteStatic: options.channelKey,
    ephemeralPrivate: options.ephemeralPrivate,
  });
  let session: Session<ServerMessage> | undefined;
  let isOver = false;

  function refuse(): ChannelOutput<ServerMessage>[] {
    isOver = true;
    initiator.destroy();
    return [{ kind: 'close', code: 'HANDSHAKE_REFUSED' }];
  }

  return {
    start() {
      if (isOver || session !== undefined) return [];
      const frame = initiator.start();
      return frame === undefined ? refuse() : [{ kind: 'transmit', frame }];
    },
    handleFrame(frame) {
      if (session !== undefined) return session.handleFrame(frame);
      if (isOver) return [];
      const result = initiator.finish(frame);
      if (result === undefined) return refuse();
      session = createSession(result, decodeServerMessage, {
        maxSentBytes: MAX_NODE_MESSAGE_BYTES,
        maxReceivedBytes: MAX_SERVER_MESSAGE_BYTES,
      });
      return [{ kind: 'open', hash: result.hash, remoteKey: result.remoteStatic }];
    },
    send(message) {
      if (session !== undefined) return session.sendText(encodeMessage(message));
      if (isOver) return [];
      throw new NetmapError('CHANNEL_NOT_OPEN', 'the server has not answered the handshake yet');
    },
    destroy() {
      isOver = true;
      initiator.destroy();
      session?.destroy();
    },
  };
}
