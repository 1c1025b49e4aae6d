import type { DeviceEvent } from '@pcloud/wireguard';
import type { HandsOptions } from '../hands.ts';
import type { Logger } from '../log.ts';
import type { StampStore } from '../stamp-store.ts';
import { outsideOf, watchMachine } from './machine.ts';
import type { MapKeeper } from './map-keeper.ts';
import { type MeshTunnel, openMeshTunnel } from './mesh-tunnel.ts';
import type { MeshSeams } from './seams.ts';
import type { Identity } from './state/identity.ts';

/** The tunnel while this node is up: follows the machine, and is made again when somebody deletes its interface. */
export interface TunnelLife {
  readonly tunnel: MeshTunnel | undefined;
  /** Where this node can be reached, as it was last told. */
  readonly endpoints: readonly string[];
  /** @param worked endpoints that worked before, by node id. @throws what hands and sockets throw */
  open(worked: ReadonlyMap<string, string>): Promise<void>;
  close(keepInterface: boolean): void;
  /** Tells where this node can be reached, if that is elsewhere now. */
  tellEndpoints(): void;
}

export interface TunnelLifeOptions extends Omit<HandsOptions, 'persist'> {
  /** UDP port that nothing else will do for; undefined for the one that is kept, or any. */
  readonly port: number | undefined;
}

export interface TunnelLifeDeps {
  readonly seams: MeshSeams;
  readonly identity: Identity;
  readonly stamps: StampStore;
  readonly keeper: MapKeeper;
  readonly log: Logger;
  readonly version: string;
  /** UDP port of before; 0 for none. */
  readonly keptPort: () => number;
  /** Does it in turn with all that changes the state. */
  readonly enqueue: (act: () => Promise<void>) => Promise<void>;
  readonly handleEvent: (event: DeviceEvent, nodeId: string) => void;
  readonly endpointsChanged: (endpoints: readonly string[]) => void;
  /** The machine woke, or has another way out. */
  readonly poke: () => void;
}

const REBUILD_DELAY_MS = 1_000;

export function createTunnelLife(options: TunnelLifeOptions, deps: TunnelLifeDeps): TunnelLife {
  const { seams, keeper, log } = deps;
  const { clock, network } = seams;
  let tunnel: MeshTunnel | undefined;
  let endpoints: readonly string[] = [];
  let outside = '';
  let stopWatching = (): void => {};
  /** Between `open` and `close`. */
  let isWanted = false;

  async function start(worked: ReadonlyMap<string, string>): Promise<void> {
    const hands = seams.createHands({ ...options, persist: true }, log);
    tunnel = await openMeshTunnel(
      { port: options.port ?? deps.keptPort(), isPortFixed: options.port !== undefined },
      { ...seams, ...deps, hands, worked, handleGone: rebuild },
    );
    if (keeper.map !== undefined) tunnel.apply(keeper.map);
    tunnel.setPresence([...keeper.presence.values()]);
    const stopMachine = watchMachine(network, clock, handleMachine);
    const stopClock = clock.watch(() => deps.poke());
    stopWatching = () => {
      stopMachine();
      stopClock();
    };
    endpoints = tunnel.endpoints();
    outside = outsideOf(network, options.name);
  }

  function shut(keepInterface: boolean): void {
    stopWatching();
    stopWatching = () => {};
    tunnel?.close({ keepInterface });
    tunnel = undefined;
  }

  function rebuild(why: string): void {
    log.error({ why }, 'the interface is gone; it is made again');
    remakeSoon(new Map(tunnel?.choice.worked));
  }

  function remakeSoon(worked: ReadonlyMap<string, string>): void {
    const gone = tunnel;
    const remake = async (): Promise<void> => {
      // Meanwhile it may have been closed, or opened anew.
      if (!isWanted || tunnel !== gone) return;
      shut(false);
      await start(worked);
    };
    clock.setTimer(() => {
      deps.enqueue(remake).catch((error: Error) => {
        log.error({ error: error.message }, 'the interface cannot be made again yet');
        remakeSoon(worked);
      });
    }, REBUILD_DELAY_MS);
  }

  function handleMachine(): void {
    tunnel?.handleMachine();
    tellEndpoints();
    const now = outsideOf(network, options.name);
    if (now === outside) return;
    outside = now;
    tunnel?.handleMoved();
    deps.poke();
  }

  function tellEndpoints(): void {
    const now = tunnel?.endpoints() ?? [];
    if (now.join() === endpoints.join()) return;
    endpoints = now;
    deps.endpointsChanged(endpoints);
  }

  return {
    get tunnel() {
      return tunnel;
    },
    get endpoints() {
      return endpoints;
    },
    async open(worked) {
      await start(worked);
      isWanted = true;
    },
    close(keepInterface) {
      isWanted = false;
      shut(keepInterface);
    },
    tellEndpoints,
  };
}
