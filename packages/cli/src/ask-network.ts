import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { CliContext } from './context.ts';
import { onOneLine } from './printable.ts';
import type { Settings } from './settings/read.ts';

/** The coordinator's socket in the runtime directory. */
const COORDINATOR_SOCKET = 'coordinator.sock';

/**
 * Asks for an operation of the network: as root of the machine whose coordinator it is, and elsewhere through
 * this device's daemon, in the name of the user who owns the device.
 * @param lines members of the answer that are texts of more than one line
 * @throws CoordinatorError, DaemonRefusal: what the coordinator says; DaemonError NOT_RUNNING
 */
export async function askNetwork(
  settings: Pick<Settings, 'runtimeDir'>,
  context: Pick<CliContext, 'isRoot'>,
  operation: string,
  input: unknown = {},
  lines: readonly string[] = [],
): Promise<unknown> {
  const { runtimeDir } = settings;
  if (context.isRoot && existsSync(join(runtimeDir, COORDINATOR_SOCKET))) {
    const { askCoordinator, CoordinatorError } = await import('@pcloud/coordinator');
    try {
      return onOneLine(await askCoordinator(runtimeDir, operation, input), lines);
    } catch (error) {
      // The socket of one that was killed: this device may be a member of another server by now.
      if (!(error instanceof CoordinatorError) || error.code !== 'NOT_RUNNING') throw error;
    }
  }
  const { askDaemon } = await import('@pcloud/daemon');
  const request = { method: 'POST', path: '/operation', input: { operation, input } } as const;
  return onOneLine(((await askDaemon(runtimeDir, request)) as { result: unknown }).result, lines);
}
