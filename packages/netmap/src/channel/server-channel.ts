import type { Crypto } from '@pcloud/wireguard';
import { NetmapError } from '../errors.ts';
import { decodeNodeMessage, encodeMessage } from '../message-schema.ts';
import type { NodeMessage, ServerMessage } from '../messages.ts';
import { MAX_NODE_MESSAGE_BYTES, MAX_SERVER_MESSAGE_BYTES } from '../schema/limits.ts';
import { controlPrologue, type HandshakeResult } from './handshake.ts';
import { createResponder } from './responder.ts';
import { type ChannelOutput, createSession, type Session } from './session.ts';

export interface ServerChannelOptions {
  readonly crypto: Crypto;
  /** 32 bytes. */
  readonly networkId: Uint8Array;
  /** Copied. */
  readonly channelPrivate: Uint8Array;
  /** 32 fresh random bytes; copied. */
  readonly ephemeralPrivate: Uint8Array;
  /** Bytes of a message that is sent; for tests, less than a node takes. */
  readonly maxSentBytes?: number;
}

/**
 * A server's end of the node channel. A request can be a replay, so `open`, which names the machine, comes
 * only with the first transport message that verifies; until then there is nothing to act on.
 */
export interface ServerChannel {
  handleFrame(frame: Uint8Array): ChannelOutput<NodeMessage>[];
  /**
   * Frames to send; none when the channel is over.
   * @throws NetmapError CHANNEL_NOT_OPEN before `open`; TOO_LARGE
   */
  send(message: ServerMessage): ChannelOutput<NodeMessage>[];
  /** The same, of what `encodeMessage` gave: what many nodes are sent is encoded once. */
  sendText(text: string): ChannelOutput<NodeMessage>[];
  /** Zeroes all keys. */
  destroy(): void;
}

/** @throws NetmapError INVALID_KEY */
export function createServerChannel(options: ServerChannelOptions): ServerChannel {
  const responder = createResponder({
    crypto: options.crypto,
    prologue: controlPrologue(options.networkId),
    staticPrivate: options.channelPrivate,
    ephemeralPrivate: options.ephemeralPrivate,
  });
  let session: Session<NodeMessage> | undefined;
  /** Until the first transport message verifies. */
  let unproven: HandshakeResult | undefined;
  let isOver = false;

  function answer(request: Uint8Array): ChannelOutput<NodeMessage>[] {
    const answered = responder.respond(request);
    if (answered === undefined) {
      isOver = true;
      responder.destroy();
      return [{ kind: 'close', code: 'HANDSHAKE_REFUSED' }];
    }
    unproven = answered.result;
    session = createSession(answered.result, decodeNodeMessage, {
      maxSentBytes: options.maxSentBytes ?? MAX_SERVER_MESSAGE_BYTES,
      maxReceivedBytes: MAX_NODE_MESSAGE_BYTES,
    });
    return [{ kind: 'transmit', frame: answered.response }];
  }

  function sendText(text: string): ChannelOutput<NodeMessage>[] {
    if (isOver || session?.isOver) return [];
    if (session !== undefined && unproven === undefined) return session.sendText(text);
    throw new NetmapError('CHANNEL_NOT_OPEN', 'the node has not proven its key yet');
  }

  return {
    handleFrame(frame) {
      if (session === undefined) return isOver ? [] : answer(frame);
      const outputs = session.handleFrame(frame);
      if (unproven === undefined || session.isOver) return outputs;
      const { hash, remoteStatic } = unproven;
      unproven = undefined;
      return [{ kind: 'open', hash, remoteKey: remoteStatic }, ...outputs];
    },
    send: (message) => sendText(encodeMessage(message)),
    sendText,
    destroy() {
      isOver = true;
      responder.destroy();
      session?.destroy();
    },
  };
}
