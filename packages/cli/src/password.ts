import type { CliContext } from './context.ts';
import { CliError } from './exit.ts';

/**
 * A new password: asked for twice on a terminal, else the first line of the standard input.
 * @throws CliError usage
 */
export async function readNewPassword(context: CliContext, name: string): Promise<string> {
  if (!context.isTerminal) {
    const [line = ''] = (await context.readInput()).split('\n');
    const password = line.replace(/\r$/, '');
    if (password !== '') return password;
    throw new CliError('usage', `password of ${name}: expected a line on the standard input`);
  }
  for (let tries = 0; tries < 3; tries++) {
    const password = await context.ask(`Password for ${name}: `, { hidden: true });
    if (password === undefined || password === '') break;
    if ((await context.ask('Once more: ', { hidden: true })) === password) return password;
    context.err('The two differ.\n');
  }
  throw new CliError('usage', `password of ${name}: none was given; run it again`);
}
