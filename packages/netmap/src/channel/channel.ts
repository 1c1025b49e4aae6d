/**
 * Text messages over the two keys of a handshake. A frame is one Noise transport message of 65,535 bytes at
 * most; its first byte says whether more frames of the message follow. Nonces count up strictly: a frame that
 * is lost, repeated, out of order or altered ends the channel.
 */
import type { TransportKey } from '@pcloud/wireguard';
import { copyBytes, readUtf8, utf8 } from '../bytes.ts';
import { NetmapError } from '../errors.ts';
import { FIRST_NONCE, type Nonce, nextNonce } from './nonce.ts';

/** All in bytes. `PART`: text in one frame. */
export const FRAME = { MOST: 65_535, TAG: 16, PART: 65_518 } as const;

/** Bytes of text in one message, unless a channel is given less. */
export const MAX_MESSAGE_BYTES: number = 16 * 1024 * 1024;

const LAST = 0;
const MORE = 1;

/** Why a frame is refused and the channel over. */
export type FrameFault = 'CLOSED' | 'EXHAUSTED' | 'MALFORMED' | 'TOO_LARGE' | 'UNAUTHENTIC';

export type OpenedFrame =
  | { readonly kind: 'message'; readonly text: string }
  | { readonly kind: 'more' }
  | { readonly kind: 'bad'; readonly code: FrameFault };

export interface Channel {
  /**
   * The frames of one message, to be sent in this order.
   * @throws NetmapError TOO_LARGE over the limit, with nothing sealed; CHANNEL_NOT_OPEN when the channel is over
   */
  seal(text: string): Uint8Array[];
  /** Leaves the frame's bytes as they are. After `bad` everything is `bad`. */
  open(frame: Uint8Array): OpenedFrame;
  /** Zeroes the keys. */
  destroy(): void;
}

export interface ChannelKeys {
  /** Owned by the channel from here on. */
  readonly send: TransportKey;
  readonly receive: TransportKey;
}

export interface ChannelOptions {
  /** Bytes of text in a message that is sent; 16 MiB unless said. */
  readonly maxSentBytes?: number;
  /** Bytes of text in a received message; 16 MiB unless said. */
  readonly maxReceivedBytes?: number;
  /** Where counting begins; for tests. */
  readonly firstNonce?: Nonce;
}

export function createChannel(keys: ChannelKeys, options: ChannelOptions = {}): Channel {
  const maxSentBytes = options.maxSentBytes ?? MAX_MESSAGE_BYTES;
  const maxReceivedBytes = options.maxReceivedBytes ?? MAX_MESSAGE_BYTES;
  const firstNonce = options.firstNonce ?? FIRST_NONCE;
  let sendNonce: Nonce | undefined = firstNonce;
  let receiveNonce: Nonce | undefined = firstNonce;
  let parts: Uint8Array[] = [];
  let isOver = false;

  function destroy(): void {
    isOver = true;
    parts = [];
    keys.send.destroy();
    keys.receive.destroy();
  }

  function bad(code: FrameFault): OpenedFrame {
    if (!isOver) destroy();
    return { kind: 'bad', code };
  }

  function sealPart(part: Uint8Array, first: number): Uint8Array {
    if (isOver || sendNonce === undefined) throw new NetmapError('CHANNEL_NOT_OPEN', 'the channel is over');
    const frame = new Uint8Array(1 + part.length + FRAME.TAG);
    frame[0] = first;
    frame.set(part, 1);
    keys.send.seal(frame, 0, 1 + part.length, sendNonce.low, sendNonce.high);
    sendNonce = nextNonce(sendNonce);
    return frame;
  }

  return {
    seal(text) {
      const bytes = utf8(text);
      if (bytes.length > maxSentBytes) {
        throw new NetmapError('TOO_LARGE', `message: ${bytes.length} bytes, at most ${maxSentBytes} are sent`);
      }
      const frames: Uint8Array[] = [];
      for (let at = 0; ; at += FRAME.PART) {
        const isLast = at + FRAME.PART >= bytes.length;
        frames.push(sealPart(bytes.subarray(at, at + FRAME.PART), isLast ? LAST : MORE));
        if (isLast) return frames;
      }
    },
    open(frame) {
      if (isOver) return bad('CLOSED');
      if (receiveNonce === undefined) return bad('EXHAUSTED');
      if (frame.length > FRAME.MOST || frame.length <= FRAME.TAG) return bad('MALFORMED');
      const opened = copyBytes(frame);
      if (!keys.receive.open(opened, 0, opened.length, receiveNonce.low, receiveNonce.high)) return bad('UNAUTHENTIC');
      receiveNonce = nextNonce(receiveNonce);

      const part = opened.subarray(1, opened.length - FRAME.TAG);
      const isLast = opened[0] === LAST;
      // Parts before the last are full, so nobody makes us collect many small ones.
      if (!isLast && (opened[0] !== MORE || part.length !== FRAME.PART)) return bad('MALFORMED');
      if (parts.length * FRAME.PART + part.length > maxReceivedBytes) return bad('TOO_LARGE');
      parts.push(part);
      if (!isLast) return { kind: 'more' };

      const text = readUtf8(join(parts));
      parts = [];
      return text === undefined ? bad('MALFORMED') : { kind: 'message', text };
    },
    destroy,
  };
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  for (const [i, part] of parts.entries()) bytes.set(part, i * FRAME.PART);
  return bytes;
}
