import { createBatch, createNobleCrypto } from '@pcloud/wireguard';
import type { Hands } from '../hands.ts';
import { createPortablePlane } from '../portable-plane.ts';
import type { FakeClock } from './fake-clock.ts';
import type { MemoryBind } from './memory-bind.ts';
import { createMemoryTun, type MemoryTun } from './memory-tun.ts';

/** Hands that touch nothing outside of the process. */
export interface MemoryHands extends Hands {
  readonly tun: MemoryTun;
  readonly bind: MemoryBind;
}

export function createMemoryHands(bind: MemoryBind, clock: FakeClock, name = 'mem0'): MemoryHands {
  const tun = createMemoryTun(name);
  const batch = createBatch();
  const crypto = createNobleCrypto();
  return {
    tun,
    bind,
    batch,
    crypto,
    clock,
    plane: createPortablePlane({ tun, bind, crypto, batch }),
    watchLink: () => () => {},
    interfaceIndex: () => 0,
    mtu: 1420,
    dataPlane: 'portable',
    bindName: 'dgram',
    features: () => ({}),
    counters: () => ({}),
    close() {},
  };
}
