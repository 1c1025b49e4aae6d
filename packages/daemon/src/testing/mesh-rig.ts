import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createNobleCrypto } from '@pcloud/wireguard';
import { DaemonError } from '../errors.ts';
import { type Logger, silentLogger } from '../log.ts';
import { noNames } from '../mesh/names.ts';
import type { MeshSeams } from '../mesh/seams.ts';
import { type MeshDaemon, type MeshDaemonOptions, startMeshDaemon } from '../mesh/start.ts';
import type { FakeClock } from './fake-clock.ts';
import type { FakeControl } from './fake-control.ts';
import { createFakeMachine, type FakeMachine } from './fake-machine.ts';
import { createMemoryNetwork, type MemoryNetwork } from './memory-bind.ts';
import { createMemoryHands, type MemoryHands } from './memory-hands.ts';

/** One machine of a test: its disk, its interfaces, and the daemon that is started on it again and again. */
export interface MeshRig {
  readonly directory: string;
  readonly machine: FakeMachine;
  /** Of the daemon that was started last, once it is up. */
  readonly hands: () => MemoryHands;
  /** The kernel makes no interface, so many times. */
  refuseHands(times: number): void;
  start(options?: Partial<MeshDaemonOptions>): Promise<MeshDaemon>;
  /** Seams to be changed before a start. */
  readonly seams: { -readonly [Name in keyof MeshSeams]?: MeshSeams[Name] };
  /** Ends what was started and removes the disk. */
  clean(): Promise<void>;
}

export interface MeshRigOptions {
  readonly clock: FakeClock;
  readonly control: FakeControl;
  readonly network?: MemoryNetwork;
  /** Of the machine. */
  readonly address?: string;
  readonly seed?: number;
  readonly log?: Logger;
}

export function createMeshRig({ clock, control, ...options }: MeshRigOptions): MeshRig {
  const { network = createMemoryNetwork(), address = '192.0.2.1', seed = 1, log = silentLogger } = options;
  const directory = mkdtempSync(join(tmpdir(), 'pcloud-mesh-'));
  const machine = createFakeMachine();
  machine.addAddress('eth0', `${address}/24`);
  machine.addRoute('eth0', '192.0.2.0/24');
  const running = new Set<MeshDaemon>();
  let hands: MemoryHands | undefined;
  let refusals = 0;
  let draws = 0;
  const seams: MeshRig['seams'] = {
    clock,
    crypto: createNobleCrypto(),
    random(out) {
      for (let at = 0; at < out.length; at += 32) {
        const block = createHash('sha256').update(`${seed} ${draws++}`).digest();
        out.set(block.subarray(0, Math.min(32, out.length - at)), at);
      }
    },
    createHands(_options, _log) {
      if (refusals > 0) {
        refusals -= 1;
        throw new DaemonError('TUN_FAILED', 'the kernel refused');
      }
      hands = createMemoryHands(network.createBind(address), clock, 'pcloud0');
      return hands;
    },
    network: machine,
    nameservers: () => [],
    createConnect: () => control.connect,
    names: noNames,
    probe: async () => 1.5,
    userOf: () => 0,
  };
  return {
    directory,
    machine,
    seams,
    hands: () => hands!,
    refuseHands(times) {
      refusals = times;
    },
    async start(change = {}) {
      const daemon = await startMeshDaemon(
        {
          name: 'pcloud0',
          crypto: undefined,
          bind: undefined,
          offload: true,
          aead: undefined,
          tunDescriptor: undefined,
          stateDir: join(directory, 'state'),
          runtimeDir: join(directory, 'run'),
          nodeName: 'laptop',
          port: undefined,
          ...change,
        },
        { log, version: '0.1.0', seams },
      );
      running.add(daemon);
      return daemon;
    },
    async clean() {
      for (const daemon of running) await daemon.close({ keepInterface: false });
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
