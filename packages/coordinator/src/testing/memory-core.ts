import { randomFillSync } from 'node:crypto';
import { type Core, createCore } from '../core.ts';
import { silentLogger } from '../log.ts';
import type { Store } from '../store/index.ts';
import { SCRYPT_COST } from './accounts-rig.ts';
import type { FakeTimers } from './fake-timers.ts';
import { crypto, WALL_START_MS } from './memory-control.ts';

/** A whole coordinator without sockets, on a store and a clock of the test; its keys are in `stateDir`. */
export function openMemoryCore(stateDir: string, store: Store, clock: FakeTimers): Promise<Core> {
  const prefix4 = { address: Uint8Array.of(10, 0, 0, 0), length: 16 };
  return createCore(
    {
      stateDir,
      prefix4,
      urls: ['https://192.0.2.1:8443'],
      openRegistration: false,
      program: 'test',
      scryptCost: SCRYPT_COST,
    },
    {
      store,
      crypto,
      random: (out) => void randomFillSync(out),
      log: silentLogger,
      pageUrl: (path) => `https://10.0.0.1:8443${path}`,
      now: clock.now,
      wallMs: () => WALL_START_MS + clock.now(),
      setTimer: clock.setTimer,
    },
  );
}
