import { DATAGRAM, LAYOUT } from '@pcloud/wireguard';
import { describePacket, tunSlotOffset } from '../descriptors.ts';
import type { TunDevice } from '../seams.ts';

/** A TUN whose machine is a test. */
export interface MemoryTun extends TunDevice {
  /** The machine sends a packet. */
  push(packet: Uint8Array): void;
  /** Packets the machine has been given, oldest first. */
  readonly delivered: Uint8Array[];
  /** The interface goes away. */
  vanish(): void;
}

export function createMemoryTun(name = 'mem0'): MemoryTun {
  const waiting: Uint8Array[] = [];
  const delivered: Uint8Array[] = [];
  let callbacks: { readable: () => void; closed: (error: Error) => void } | undefined;
  return {
    name,
    delivered,
    push(packet) {
      waiting.push(packet);
      callbacks?.readable();
    },
    receive(batch) {
      const count = Math.min(waiting.length, LAYOUT.TUN_SLOTS);
      for (let i = 0; i < count; i++) {
        const packet = waiting.shift()!;
        batch.bytes.set(packet, tunSlotOffset(i));
        describePacket(batch, i, tunSlotOffset(i), packet.length);
      }
      return count;
    },
    send(batch, count) {
      for (let i = 0; i < count; i++) {
        const at = i * DATAGRAM.WORDS;
        const length = batch.datagrams[at + DATAGRAM.DELIVER]!;
        const start = batch.datagrams[at + DATAGRAM.OFFSET]! + 16;
        if (length !== 0) delivered.push(batch.bytes.slice(start, start + length));
      }
    },
    inject(packet) {
      delivered.push(packet.slice());
    },
    listen(to) {
      callbacks = to;
      if (waiting.length > 0) callbacks.readable();
    },
    vanish() {
      callbacks?.closed(new Error('the interface is gone'));
    },
    close() {
      callbacks = undefined;
    },
  };
}
