/** This machine as the first server of the network that it coordinates. */
import type { RunningCoordinator } from '@pcloud/coordinator';
import type { JoinOutcome, Logger, MeshDaemon } from '@pcloud/daemon';
import { startDaemonHere } from '../daemon/run-daemon.ts';
import { CliError } from '../exit.ts';
import type { ListenAddress } from '../settings/parse.ts';
import type { Settings } from '../settings/read.ts';
import { urlOf } from './machine.ts';

export const SEED_PORT = 51_820;

/**
 * Starts this machine's daemon and has it join by a link of the coordinator's own, or resume.
 * @returns the daemon, once there is a map
 * @throws CliError, DaemonError
 */
export async function startFirstServer(
  settings: Settings,
  coordinator: RunningCoordinator,
  listen: readonly ListenAddress[],
  log: Logger,
  ending: AbortSignal,
): Promise<{ daemon: MeshDaemon; name: string; addresses: readonly string[] }> {
  const daemon = await startDaemonHere(settings, settings.port ?? SEED_PORT, log);
  try {
    const outcome = await bringUp(daemon, coordinator, listen, ending);
    if (outcome.kind !== 'joined') {
      const why = outcome.kind === 'pending' ? 'it asks for approval' : `${outcome.code}: ${outcome.message}`;
      throw new CliError('failed', `this machine cannot join its own network (${why})`);
    }
    return { daemon, name: outcome.name, addresses: outcome.addresses };
  } catch (error) {
    await daemon.close({ keepInterface: false });
    throw error;
  }
}

/** Its own server is reached on this machine, whatever addresses it has from outside today. */
async function bringUp(
  daemon: MeshDaemon,
  coordinator: RunningCoordinator,
  listen: readonly ListenAddress[],
  ending: AbortSignal,
): Promise<JoinOutcome> {
  if (daemon.status().state === 'none') {
    const { parseJoinLink } = await import('@pcloud/netmap');
    const { targetOfLink } = await import('@pcloud/daemon');
    const link = parseJoinLink(await coordinator.createJoinLink({ isServer: true, index: 1 }));
    if (link instanceof Error) throw link;
    return daemon.join({ ...targetOfLink(link), urls: listen.map(localUrl) }, ending);
  }
  await daemon.up();
  const outcome = await daemon.joined(ending);
  const { network } = daemon.status();
  if (network !== null && network.id !== coordinator.networkId) {
    throw new CliError(
      'failed',
      'this machine is a member of another network; run "pcloud logout" first, or choose another --state-dir',
    );
  }
  return outcome;
}

function localUrl({ address, port }: ListenAddress): string {
  if (address === '0.0.0.0' || address === '::') return urlOf('127.0.0.1', port);
  return urlOf(address.includes(':') ? `[${address}]` : address, port);
}
