import { createFrameShape, type FrameShape, measureFrame, writeSegment } from '@pcloud/ip';
import { pattern, tcp, udp } from '../../packages/ip/tests/segment-packets.ts';
import type { Random } from './random.ts';

/** A packet, and how the kernel says that it is to be cut. */
export interface SuperPacket {
  readonly packet: Uint8Array;
  readonly gsoType: number;
  readonly gsoSize: number;
}

/** Hop-by-hop options, destination options and a routing header, each with only padding in it, before `next`. */
const EXTENSIONS = [
  { type: 0, body: [1, 4, 0, 0, 0, 0] },
  { type: 60, body: [1, 4, 0, 0, 0, 0] },
  { type: 43, body: [4, 0, 0, 0, 0, 0] },
] as const;

/** A super-packet as the kernel may hand it over: any protocol, options, flags, and fields near their ends. */
export function randomSuperPacket(random: Random, payloadMax: number): SuperPacket {
  const family = random.of([4, 6] as const);
  const isUdp = random.once(3);
  const extension = family === 6 && random.once(4) ? random.of(EXTENSIONS) : undefined;
  const protocol = isUdp ? 17 : 6;
  const options = extension ? [protocol, 0, ...extension.body] : family === 4 && random.once(4) ? [1, 1, 1, 0] : [];
  const fields = {
    family,
    options,
    protocol: extension?.type ?? protocol,
    tos: random.integer(0, 255),
    id: random.integer(0xfff0, 0xffff),
    ttl: random.integer(1, 255),
    payload: pattern(random.integer(1, payloadMax), random.integer(0, 255)),
  };
  const gsoType = isUdp ? 5 : family === 4 ? 1 : 4;
  const gsoSize = random.integer(Math.max(1, fields.payload.length >> 6), 1500);
  if (isUdp) return { packet: udp(fields), gsoType, gsoSize };
  const tcpOptions = new Array<number>(random.integer(0, 10) * 4).fill(1);
  const flags = random.integer(0, 255);
  return {
    packet: tcp({ ...fields, flags, sequence: 0xffff_0000 + random.integer(0, 0xffff), tcpOptions }),
    gsoType,
    gsoSize,
  };
}

/** What it is cut into in TypeScript; undefined when it cannot be. */
export function cut({
  packet,
  gsoType,
  gsoSize,
}: SuperPacket): { shape: FrameShape; packets: Uint8Array[] } | undefined {
  const shape = createFrameShape();
  if (!measureFrame(packet, 0, packet.length, gsoType, gsoSize, shape)) return undefined;
  const packets = Array.from({ length: shape.segments }, (_, index) => {
    const out = new Uint8Array(shape.headerLength + gsoSize + packet.length);
    return out.subarray(0, writeSegment(packet, 0, packet.length, shape, index, out, 0));
  });
  return { shape, packets };
}
