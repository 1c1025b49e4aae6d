import type { Command } from 'commander';
import { addExamples, onCall } from '../call.ts';
import type { CliContext } from '../context.ts';
import { whereNoneRuns } from '../daemon/mesh-status.ts';
import { type Dismissed, untilEnded } from '../daemon/until-ended.ts';
import type { Settings } from '../settings/read.ts';

export function addDown(program: Command, context: CliContext): void {
  const command = program
    .command('down')
    .description('take the interface away; the device stays a member, and down until "pcloud up"');
  addExamples(command, [['pcloud down', 'leave the tunnel for now']]);
  onCall(command, context, async ({ settings, answer }) => {
    await takeDown(settings);
    answer({ state: 'down' }, 'Down. "pcloud up" brings the tunnel back.\n');
  });
}

/** A daemon that "up" started in the background has ended then. */
async function takeDown(settings: Settings): Promise<void> {
  const { askDaemon } = await import('@pcloud/daemon');
  try {
    const told = await askDaemon(settings.runtimeDir, { method: 'POST', path: '/down' });
    await untilEnded(told as Dismissed);
  } catch (error) {
    // It is down already, and its daemon has ended.
    if ((await whereNoneRuns(error, settings)) === undefined) throw error;
  }
}
