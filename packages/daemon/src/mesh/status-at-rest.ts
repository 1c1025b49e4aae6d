import { silentLogger } from '../log.ts';
import { openMapStore } from './state/map-store.ts';
import { openMembership } from './state/membership.ts';
import { describeMesh, type MeshStatus } from './status.ts';

export interface StatusAtRestOptions {
  readonly stateDir: string;
  readonly interfaceName: string;
  readonly version: string;
}

/**
 * What there is to tell, while no daemon runs, of a member that was put down.
 * @returns undefined when this device is none, or should be up
 * @throws DaemonError STATE_CORRUPT, STATE_FAILED
 */
export function statusAtRest({ stateDir, interfaceName, version }: StatusAtRestOptions): MeshStatus | undefined {
  const { current } = openMembership(stateDir);
  if (current?.wanted !== 'down') return undefined;
  return describeMesh({
    state: 'down',
    version,
    interfaceName,
    map: openMapStore(stateDir, silentLogger).load(current.networkId)?.map,
    presence: new Map(),
    tunnel: undefined,
    control: { connected: false, url: undefined, remoteAddress: undefined, problem: undefined },
    pending: undefined,
    names: undefined,
    key: null,
  });
}
