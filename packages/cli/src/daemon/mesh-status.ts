import type { MeshStatus } from '@pcloud/daemon';
import type { Settings } from '../settings/read.ts';
import { VERSION } from '../version.ts';

/**
 * The status of this device, from its daemon, or from disk where it is down and needs none.
 * @throws DaemonError NOT_RUNNING when there should be one
 */
export async function readMeshStatus(settings: Settings): Promise<MeshStatus> {
  const { askDaemon } = await import('@pcloud/daemon');
  try {
    return (await askDaemon(settings.runtimeDir, { method: 'GET', path: '/status' })) as MeshStatus;
  } catch (error) {
    const status = await whereNoneRuns(error, settings);
    if (status === undefined) throw error;
    return status;
  }
}

/** The status of a device that is down, when that is why nobody answered; else undefined. */
export async function whereNoneRuns(error: unknown, settings: Settings): Promise<MeshStatus | undefined> {
  const { DaemonError, statusAtRest } = await import('@pcloud/daemon');
  if (!(error instanceof DaemonError) || error.code !== 'NOT_RUNNING') return undefined;
  const { stateDir, tun } = settings;
  try {
    return statusAtRest({ stateDir, interfaceName: tun, version: VERSION });
  } catch (fault) {
    // Who may not read the state knows no more than that.
    if (fault instanceof DaemonError && fault.code === 'STATE_FAILED') return undefined;
    throw fault;
  }
}
