/** The hands of a simulated device: one packet a frame, nothing segmented or coalesced. */
import { ENDPOINT } from '@pcloud/ip';
import {
  type Crypto,
  createBatch,
  DATAGRAM,
  type DataPlane,
  FRAME,
  LAYOUT,
  paddingLength,
  REGIONS,
  type TransportKey,
} from '../../src/index.ts';
import { readWord, writeWord } from '../../src/messages.ts';

export interface Arrival {
  readonly datagram: Uint8Array;
  readonly source: Int32Array;
  readonly tos: number;
}

export interface SimPlane extends DataPlane {
  /** Packets that the TUN will hand out. */
  readonly tunQueue: Uint8Array[];
  /** Datagrams that the socket will hand out. */
  readonly udpQueue: Arrival[];
  /** Packets written to the TUN. */
  readonly delivered: Uint8Array[];
  /** Slots that hold a key. */
  readonly keys: Map<number, TransportKey>;
}

export function createSimPlane(
  crypto: Crypto,
  send: (datagram: Uint8Array, endpoint: Int32Array, tos: number) => void,
): SimPlane {
  const batch = createBatch();
  const { bytes, frames, datagrams, endpoints } = batch;
  const keys = new Map<number, TransportKey>();
  const tunQueue: Uint8Array[] = [];
  const udpQueue: Arrival[] = [];
  const delivered: Uint8Array[] = [];

  const sealFrame = (at: number): void => {
    const offset = frames[at + FRAME.OFFSET]!;
    const length = frames[at + FRAME.LENGTH]!;
    const padded = length + paddingLength(length, frames[at + FRAME.MTU]!);
    const message = new Uint8Array(16 + padded + 16);
    writeWord(4, message, 0);
    writeWord(frames[at + FRAME.RECEIVER]!, message, 4);
    writeWord(frames[at + FRAME.COUNTER_LOW]!, message, 8);
    writeWord(frames[at + FRAME.COUNTER_HIGH]!, message, 12);
    message.set(bytes.subarray(offset, offset + length), 16);
    const key = keys.get(frames[at + FRAME.KEY]!)!;
    key.seal(message, 16, padded, frames[at + FRAME.COUNTER_LOW]! >>> 0, frames[at + FRAME.COUNTER_HIGH]! >>> 0);
    frames[at + FRAME.SENT_BYTES] = message.length;
    const slot = frames[at + FRAME.ENDPOINT]! * ENDPOINT.WORDS;
    send(message, endpoints.slice(slot, slot + ENDPOINT.WORDS), frames[at + FRAME.TOS]!);
  };

  return {
    batch,
    keys,
    tunQueue,
    udpQueue,
    delivered,
    installKey(slot, key) {
      keys.get(slot)?.destroy();
      keys.set(slot, crypto.createTransportKey(key));
    },
    removeKey(slot) {
      keys.get(slot)?.destroy();
      keys.delete(slot);
    },
    tunReceive() {
      const packets = tunQueue.splice(0, LAYOUT.TUN_SLOTS);
      for (const [index, packet] of packets.entries()) {
        const at = index * FRAME.WORDS;
        const offset = REGIONS.TUN + index * LAYOUT.TUN_SLOT_BYTES + LAYOUT.TUN_HEADROOM;
        frames.fill(0, at, at + FRAME.WORDS);
        bytes.set(packet, offset);
        frames[at + FRAME.OFFSET] = offset;
        frames[at + FRAME.LENGTH] = packet.length;
        frames[at + FRAME.SEGMENTS] = 1;
      }
      return packets.length;
    },
    sealAndSend(count) {
      for (let index = 0; index < count; index++) {
        if (frames[index * FRAME.WORDS + FRAME.KEY]! >= 0) sealFrame(index * FRAME.WORDS);
      }
    },
    udpReceive() {
      const arrivals = udpQueue.splice(0, LAYOUT.UDP_SLOTS);
      for (const [index, { datagram, source, tos }] of arrivals.entries()) {
        const at = index * DATAGRAM.WORDS;
        const offset = REGIONS.UDP + index * LAYOUT.UDP_SLOT_BYTES;
        bytes.set(datagram, offset);
        endpoints.set(source, index * ENDPOINT.WORDS);
        datagrams.fill(0, at, at + DATAGRAM.WORDS);
        datagrams[at + DATAGRAM.OFFSET] = offset;
        datagrams[at + DATAGRAM.LENGTH] = datagram.length;
        datagrams[at + DATAGRAM.TYPE] = datagram.length >= 4 ? readWord(datagram, 0) : 0;
        if (datagram.length >= 16) {
          datagrams[at + DATAGRAM.RECEIVER] = readWord(datagram, 4);
          datagrams[at + DATAGRAM.COUNTER_LOW] = readWord(datagram, 8);
          datagrams[at + DATAGRAM.COUNTER_HIGH] = readWord(datagram, 12);
        }
        datagrams[at + DATAGRAM.SOURCE] = index;
        datagrams[at + DATAGRAM.TOS] = tos;
      }
      return arrivals.length;
    },
    open(count) {
      for (let index = 0; index < count; index++) {
        const at = index * DATAGRAM.WORDS;
        datagrams[at + DATAGRAM.OPENED] = -1;
        const key = keys.get(datagrams[at + DATAGRAM.KEY]!);
        if (key === undefined) continue;
        const length = datagrams[at + DATAGRAM.LENGTH]! - 16;
        const low = datagrams[at + DATAGRAM.COUNTER_LOW]! >>> 0;
        const high = datagrams[at + DATAGRAM.COUNTER_HIGH]! >>> 0;
        if (key.open(bytes, datagrams[at + DATAGRAM.OFFSET]! + 16, length, low, high)) {
          datagrams[at + DATAGRAM.OPENED] = length - 16;
        }
      }
    },
    tunSend(count) {
      for (let index = 0; index < count; index++) {
        const at = index * DATAGRAM.WORDS;
        const length = datagrams[at + DATAGRAM.DELIVER]!;
        const offset = datagrams[at + DATAGRAM.OFFSET]! + 16;
        if (length > 0) delivered.push(bytes.slice(offset, offset + length));
      }
    },
    transmit: (datagram, endpoint, tos) => send(datagram, endpoint, tos),
    inject: (packet) => void delivered.push(packet),
  };
}
