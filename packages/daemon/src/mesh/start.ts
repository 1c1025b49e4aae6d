import { checkInterfaceName } from '../interface-name.ts';
import type { Logger } from '../log.ts';
import type { UnixServer } from '../unix-server.ts';
import { serveApi } from './api/server.ts';
import type { EventBus } from './events.ts';
import type { DaemonFigures } from './figures.ts';
import type { JoinOutcome, JoinTarget } from './join-target.ts';
import { createMeshCore, type MeshCore, type MeshCoreOptions } from './mesh-core.ts';
import type { DnsMode } from './names.ts';
import { type MeshSeams, systemSeams } from './seams.ts';
import { openMembership } from './state/membership.ts';
import { lockState } from './state/state-lock.ts';
import type { MeshStatus } from './status.ts';

export interface MeshDaemonOptions extends MeshCoreOptions {
  /** Where `daemon.sock` goes. */
  readonly runtimeDir: string;
  /** Whether programs of this machine are sent to our resolver; `auto` unless said. */
  readonly dns?: DnsMode | undefined;
  /** Whether the process is there for `up` alone: see `dismissed`. */
  readonly endsWhenDown?: boolean;
}

export interface MeshDaemonDeps {
  readonly log: Logger;
  readonly version: string;
  /** What is not the machine's own: names, and in tests everything. */
  readonly seams?: Partial<MeshSeams>;
}

/** A mesh daemon that runs in this process. */
export interface MeshDaemon {
  readonly events: EventBus;
  status(): MeshStatus;
  /** For who watches it: numbers, and no node's name. */
  figures(): DaemonFigures;
  /** Asks a network in. @throws DaemonError ALREADY_A_MEMBER, and what stands in the way of an interface */
  join(target: JoinTarget, signal?: AbortSignal): Promise<JoinOutcome>;
  /** Resolves once there is a map, or joining failed. */
  joined(signal?: AbortSignal): Promise<JoinOutcome>;
  /** Gets a new node key. @returns the public key, base64 @throws DaemonError NOT_CONNECTED, STATE_FAILED; OperationError */
  rotate(signal?: AbortSignal): Promise<string>;
  /** As `pcloud down`, and `pcloud up` without a link. */
  down(): Promise<void>;
  up(): Promise<void>;
  /** Resolves, with `endsWhenDown`, once the local API was told `down` or `logout` and has answered. */
  readonly dismissed: Promise<void>;
  /** With `keepInterface`, the interface, its addresses and routes wait for the next daemon; else they are gone. */
  close(options: { readonly keepInterface: boolean }): Promise<void>;
}

/**
 * Starts the daemon of a mesh. A member comes up from what is on disk, whether or not a coordinator answers;
 * a device of no network waits for `join`, or for `POST /up` of the local API.
 * @throws DaemonError with one line that says what to do
 */
export async function startMeshDaemon(options: MeshDaemonOptions, deps: MeshDaemonDeps): Promise<MeshDaemon> {
  const { log } = deps;
  checkInterfaceName(options.name);
  const seams = { ...systemSeams(options, log), ...deps.seams };
  const lock = lockState(options.stateDir);
  let dismiss = (): void => {};
  const dismissed = new Promise<void>((resolve) => {
    dismiss = resolve;
  });
  const dismissal = options.endsWhenDown ? { pid: process.pid, handle: () => dismiss() } : undefined;
  let core: MeshCore | undefined;
  let api: UnixServer | undefined;
  try {
    seams.names.recover();
    core = createMeshCore(options, { ...deps, seams });
    api = await serveApi(options.runtimeDir, core, seams, log, dismissal);
    if (openMembership(options.stateDir).current?.wanted === 'up') await core.up();
  } catch (error) {
    api?.close();
    await core?.close({ keepInterface: true });
    lock.release();
    throw error;
  }
  const running = core;
  const server = api;
  return {
    events: running.events,
    status: () => running.status(),
    figures: () => running.figures(),
    join: (target, signal) => running.join(target, signal),
    joined: (signal) => running.joined(signal),
    up: () => running.up(),
    down: () => running.down(),
    rotate: (signal) => running.rotate(signal),
    dismissed,
    async close(how) {
      server.close();
      await running.close(how);
      lock.release();
    },
  };
}
