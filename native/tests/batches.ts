import { createFrameShape, ENDPOINT, measureFrame, writeEndpoint } from '@pcloud/ip';
import { type Batch, createBatch, DATAGRAM, FRAME, LAYOUT, REGIONS } from '@pcloud/wireguard';
import { sleep } from '../../tests/lab/wait.ts';
import type { Plane } from '../index.ts';

export const LOOPBACK: Uint8Array = Uint8Array.of(127, 0, 0, 1);
export const LOOPBACK6: Uint8Array = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);

/** A frame with its decisions. */
export interface Frame {
  readonly packet: Uint8Array;
  readonly gsoType?: number;
  readonly gsoSize?: number;
  readonly key?: number;
  readonly low?: number;
  readonly high?: number;
  readonly endpoint?: number;
  readonly tos?: number;
  readonly mtu?: number;
  /** Start and offset of a checksum to finish. */
  readonly checksum?: readonly [number, number];
  /** Bytes that the packet starts behind its usual place. */
  readonly shift?: number;
}

/** Puts frames into a batch as a TUN and a device would. */
export function loadFrames(batch: Batch, frames: readonly Frame[]): void {
  const shape = createFrameShape();
  for (const [i, frame] of frames.entries()) {
    const { packet, gsoType = 0, gsoSize = 0 } = frame;
    const offset = REGIONS.TUN + i * LAYOUT.TUN_SLOT_BYTES + LAYOUT.TUN_HEADROOM + (frame.shift ?? 0);
    batch.bytes.set(packet, offset);
    if (!measureFrame(packet, 0, packet.length, gsoType, gsoSize, shape)) throw new Error(`frame ${i} cannot be cut`);
    const words: Record<number, number> = {
      [FRAME.OFFSET]: offset,
      [FRAME.LENGTH]: packet.length,
      [FRAME.GSO_TYPE]: gsoType,
      [FRAME.GSO_SIZE]: gsoSize,
      [FRAME.SEGMENTS]: shape.segments,
      [FRAME.CHECKSUM_START]: frame.checksum?.[0] ?? shape.checksumStart,
      [FRAME.CHECKSUM_OFFSET]: frame.checksum?.[1] ?? shape.checksumOffset,
      [FRAME.HEADER_LENGTH]: shape.headerLength,
      [FRAME.KEY]: frame.key ?? 0,
      [FRAME.COUNTER_LOW]: frame.low ?? 0,
      [FRAME.COUNTER_HIGH]: frame.high ?? 0,
      [FRAME.RECEIVER]: 0x8877_6655,
      [FRAME.ENDPOINT]: frame.endpoint ?? LAYOUT.PEER_ENDPOINTS,
      [FRAME.TOS]: frame.tos ?? 0,
      [FRAME.MTU]: frame.mtu ?? 1420,
      [FRAME.SENT_BYTES]: -7,
    };
    for (let word = 0; word < FRAME.WORDS; word++) batch.frames[i * FRAME.WORDS + word] = words[word]!;
  }
}

/** A datagram as `udpReceive` tells of it. */
export interface Received {
  readonly bytes: Uint8Array;
  readonly tos: number;
  /** Endpoint slot. */
  readonly source: number;
}

/** Receives until `wanted` datagrams are there. @throws Error after two seconds */
export async function receive(plane: Plane, wanted: number): Promise<Received[]> {
  const { bytes, datagrams } = createBatch(plane.slab);
  const all: Received[] = [];
  for (const end = performance.now() + 2000; all.length < wanted; ) {
    const count = plane.udpReceive();
    for (let at = 0; at < count * DATAGRAM.WORDS; at += DATAGRAM.WORDS) {
      const offset = datagrams[at + DATAGRAM.OFFSET]!;
      const length = datagrams[at + DATAGRAM.LENGTH]!;
      const [tos, source] = [datagrams[at + DATAGRAM.TOS]!, datagrams[at + DATAGRAM.SOURCE]!];
      all.push({ bytes: bytes.slice(offset, offset + length), tos, source });
    }
    if (count > 0) continue;
    if (performance.now() > end) throw new Error(`${all.length} datagrams of ${wanted} came`);
    await sleep(1);
  }
  return all;
}

/** Names where a peer's slot leads. */
export function aim(
  plane: Plane,
  port: number,
  address: Uint8Array = LOOPBACK,
  slot: number = LAYOUT.PEER_ENDPOINTS,
): Int32Array {
  const { endpoints } = createBatch(plane.slab);
  writeEndpoint(endpoints, slot, address, port);
  return endpoints.subarray(slot * ENDPOINT.WORDS, (slot + 1) * ENDPOINT.WORDS);
}
