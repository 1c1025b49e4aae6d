/** What the two ends of the node channel have in common once their handshake is done. */
import type { ChannelOptions, FrameFault } from './channel.ts';
import { createChannel } from './channel.ts';
import type { HandshakeResult } from './handshake.ts';

/** Why the channel is over. `HANDSHAKE_REFUSED`: not the other side's key, not this network, or altered. */
export type ChannelFault = FrameFault | 'HANDSHAKE_REFUSED';

/** What the owner of a channel is to do, in this order. After `close` nothing else comes. */
export type ChannelOutput<M> =
  | { readonly kind: 'transmit'; readonly frame: Uint8Array }
  /** Both sides have proven their keys: `hash` is the handshake's, for `proveNodeKey`. */
  | { readonly kind: 'open'; readonly hash: Uint8Array; readonly remoteKey: Uint8Array }
  | { readonly kind: 'message'; readonly message: M }
  | { readonly kind: 'close'; readonly code: ChannelFault };

export interface Session<R> {
  handleFrame(frame: Uint8Array): ChannelOutput<R>[];
  /** Of one encoded message. @throws NetmapError TOO_LARGE */
  sendText(text: string): ChannelOutput<R>[];
  readonly isOver: boolean;
  destroy(): void;
}

/** @param decode a received text, or undefined when it is no message */
export function createSession<R>(
  keys: HandshakeResult,
  decode: (text: string) => R | undefined,
  options: ChannelOptions,
): Session<R> {
  const channel = createChannel(keys, options);
  let isOver = false;

  function close(code: ChannelFault): ChannelOutput<R>[] {
    isOver = true;
    channel.destroy();
    return [{ kind: 'close', code }];
  }

  return {
    handleFrame(frame) {
      if (isOver) return [];
      const opened = channel.open(frame);
      if (opened.kind === 'bad') return close(opened.code);
      if (opened.kind === 'more') return [];
      const message = decode(opened.text);
      return message === undefined ? close('MALFORMED') : [{ kind: 'message', message }];
    },
    sendText(text) {
      if (isOver) return [];
      return channel.seal(text).map((frame) => ({ kind: 'transmit', frame }));
    },
    get isOver() {
      return isOver;
    },
    destroy() {
      isOver = true;
      channel.destroy();
    },
  };
}
