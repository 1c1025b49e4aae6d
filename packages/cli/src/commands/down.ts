import type { Command } from 'commander';
import { addExamples, onCall } from '../call.ts';
import type { CliContext } from '../context.ts';

export function addDown(program: Command, context: CliContext): void {
  const command = program
    .command('down')
    .description('take the interface away; the device stays a member, and down until "pcloud up"');
  addExamples(command, [['pcloud down', 'leave the tunnel for now']]);
  onCall(command, context, async ({ settings, answer }) => {
    const { askDaemon } = await import('@pcloud/daemon');
    await askDaemon(settings.runtimeDir, { method: 'POST', path: '/down' });
    answer({ state: 'down' }, 'Down. "pcloud up" brings the tunnel back.\n');
  });
}
