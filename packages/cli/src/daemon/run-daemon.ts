import type { Logger, MeshDaemon } from '@pcloud/daemon';
import type { Settings } from '../settings/read.ts';
import { VERSION } from '../version.ts';

/**
 * The mesh daemon of these settings, in this process.
 * @param endsWhenDown see `MeshDaemon.dismissed`
 * @throws DaemonError
 */
export async function startDaemonHere(
  settings: Settings,
  port: number | undefined,
  log: Logger,
  endsWhenDown = false,
): Promise<MeshDaemon> {
  const { startMeshDaemon } = await import('@pcloud/daemon');
  return startMeshDaemon(
    {
      name: settings.tun,
      nodeName: settings.name,
      port,
      stateDir: settings.stateDir,
      runtimeDir: settings.runtimeDir,
      endsWhenDown,
      dns: settings.dns,
      crypto: undefined,
      bind: undefined,
      offload: true,
      aead: undefined,
      tunDescriptor: undefined,
    },
    { log, version: VERSION },
  );
}
