import type { MeshStatus } from '@pcloud/daemon';
import type { Command } from 'commander';
import { addExamples, onCall } from '../call.ts';
import type { CliContext } from '../context.ts';
import { findOrStartDaemon } from '../daemon/start-daemon.ts';
import { type Dismissed, untilEnded } from '../daemon/until-ended.ts';
import { CliError } from '../exit.ts';
import { addSettings } from '../settings/options.ts';
import { OF_DAEMON } from '../settings/table.ts';

const LEAVE_LIMIT_MS = 5_000;

export function addLogout(program: Command, context: CliContext): void {
  const command = program.command('logout').description('leave the network: the device is forgotten here and there');
  addSettings(command, OF_DAEMON);
  addExamples(command, [['pcloud logout', 'then "pcloud up LINK" joins another network']]);
  onCall(command, context, async ({ settings, answer }) => {
    const { askDaemon } = await import('@pcloud/daemon');
    const { runtimeDir } = settings;
    const daemon = await findOrStartDaemon(settings, context);
    try {
      const status = (await askDaemon(runtimeDir, { method: 'GET', path: '/status' })) as MeshStatus;
      if (status.state === 'none') throw new CliError('failed', 'this device belongs to no network');
      const isTold = await tellNetwork(runtimeDir);
      const left = await askDaemon(runtimeDir, { method: 'POST', path: '/logout' });
      await untilEnded(left as Dismissed);
      const name = status.self?.name ?? 'this device';
      if (!isTold) {
        context.err(`The network could not be told; there, run: pcloud nodes remove ${status.self?.name ?? 'NODE'}\n`);
      }
      answer({ left: name, told: isTold }, `${name} is out of the network.\n`);
    } finally {
      if (daemon.isNew) await daemon.stop();
    }
  });
}

/** Whether the coordinator has heard that this device leaves. */
async function tellNetwork(runtimeDir: string): Promise<boolean> {
  const { askDaemon } = await import('@pcloud/daemon');
  try {
    // One that was put down is up again for as long as it says goodbye.
    await askDaemon(runtimeDir, { method: 'POST', path: '/up', input: { timeoutMs: LEAVE_LIMIT_MS } });
    const connected = { for: 'connected', timeoutMs: LEAVE_LIMIT_MS };
    await askDaemon(runtimeDir, { method: 'POST', path: '/wait', input: connected });
    const input = { operation: 'nodes.leave', timeoutMs: LEAVE_LIMIT_MS };
    await askDaemon(runtimeDir, { method: 'POST', path: '/operation', input });
    return true;
  } catch {
    return false;
  }
}
