import { createBatch, FRAME } from '@pcloud/wireguard';
import { sleep } from '../../tests/lab/wait.ts';
import type { Plane, TunInfo } from '../index.ts';
import { addon } from './addon.ts';

/** Behind every TUN here: 10.9.0.2 and fd09::2; the TUN itself has 1. */
export const TUN4: Uint8Array = Uint8Array.of(10, 9, 0, 1);
export const PEER4: Uint8Array = Uint8Array.of(10, 9, 0, 2);
export const TUN6: Uint8Array = Uint8Array.of(0xfd, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
export const PEER6: Uint8Array = Uint8Array.of(0xfd, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2);

/** Opens a TUN that is up and has addresses. */
export function openTun(plane: Plane, options: { readonly offload: boolean }): TunInfo {
  const info = plane.openTun('tun%d', options);
  addon.addressAdd(info.name, TUN4, 24);
  addon.addressAdd(info.name, TUN6, 64);
  addon.linkSet(info.name, { up: true });
  return info;
}

/** A frame as `tunReceive` tells of it. */
export interface ReceivedFrame {
  readonly packet: Uint8Array;
  readonly words: Int32Array;
}

/** Reads until `wanted` frames of TCP or UDP are there; the kernel has things of its own to say. @throws after two seconds */
export async function receiveFrames(plane: Plane, wanted: number): Promise<ReceivedFrame[]> {
  const { bytes, frames } = createBatch(plane.slab);
  const all: ReceivedFrame[] = [];
  for (const end = performance.now() + 2000; all.length < wanted; ) {
    const count = plane.tunReceive();
    for (let i = 0; i < count; i++) {
      const words = frames.slice(i * FRAME.WORDS, (i + 1) * FRAME.WORDS);
      const packet = bytes.slice(words[FRAME.OFFSET]!, words[FRAME.OFFSET]! + words[FRAME.LENGTH]!);
      if ([6, 17].includes(packet[packet[0]! >> 4 === 4 ? 9 : 6]!)) all.push({ packet, words });
    }
    if (count > 0) continue;
    if (performance.now() > end) throw new Error(`${all.length} frames of ${wanted} came`);
    await sleep(1);
  }
  return all;
}
