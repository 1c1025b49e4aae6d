import type { CliContext } from '../context.ts';
import { readNewPassword } from '../password.ts';
import { describeError } from '../run.ts';

/** Asks the coordinator, as root. */
export type AskAsRoot = (operation: string, input: unknown) => Promise<unknown>;

/** On a terminal, offers to make the owner's account at once. No answer means later. */
export async function offerFirstAccount(context: CliContext, ask: AskAsRoot): Promise<void> {
  for (;;) {
    const answer = await context.ask('Name for the first account (Enter: later): ');
    const name = answer?.trim() ?? '';
    if (name === '') return;
    try {
      const password = await readNewPassword(context, name);
      await ask('users.add', { name, role: 'owner', password });
      context.out(`${name} is the owner of this network.\n\n`);
      return;
    } catch (error) {
      context.err(`${describeError(error)}\n`);
    }
  }
}

/** The ids of those who own the network. */
export async function findOwners(ask: AskAsRoot): Promise<string[]> {
  const users = (await ask('users.list', {})) as readonly { id: string; role: string; disabled: boolean }[];
  return users.filter(({ role, disabled }) => role === 'owner' && !disabled).map(({ id }) => id);
}
