import type { Command } from 'commander';
import { addExamples, onCall } from '../call.ts';
import type { CliContext } from '../context.ts';

export function addRotate(program: Command, context: CliContext): void {
  const command = program
    .command('rotate')
    .description('replace the key of this device; address, name and connections stay');
  addExamples(command, [['pcloud rotate', 'peers hear of the new key at once, and nothing is interrupted']]);
  onCall(command, context, async ({ settings, answer }) => {
    const { askDaemon } = await import('@pcloud/daemon');
    const rotated = await askDaemon(settings.runtimeDir, { method: 'POST', path: '/rotate' });
    answer(rotated, 'This device has a new key.\n');
  });
}
