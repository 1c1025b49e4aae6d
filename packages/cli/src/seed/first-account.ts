import type { RunningCoordinator } from '@pcloud/coordinator';
import type { CliContext } from '../context.ts';
import { readNewPassword } from '../password.ts';
import { describeError } from '../run.ts';
import type { Settings } from '../settings/read.ts';

/** On a terminal, offers to make the owner's account at once. No answer means later. */
export async function offerFirstAccount(
  context: CliContext,
  settings: Settings,
  coordinator: Pick<RunningCoordinator, 'adminUrl'>,
): Promise<void> {
  const { askCoordinator } = await import('@pcloud/coordinator');
  while ((await coordinator.adminUrl()) !== undefined) {
    const name = await context.ask('Name for the first account (Enter: later): ');
    if (name === undefined || name.trim() === '') return;
    try {
      const password = await readNewPassword(context, name.trim());
      await askCoordinator(settings.runtimeDir, 'users.add', { name: name.trim(), role: 'owner', password });
      context.out(`${name.trim()} is the owner of this network.\n`);
      return;
    } catch (error) {
      context.err(`${describeError(error)}\n`);
    }
  }
}
