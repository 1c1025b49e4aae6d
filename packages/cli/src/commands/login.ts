import type { Command } from 'commander';
import { addExamples, onCall } from '../call.ts';
import type { CliContext } from '../context.ts';
import { addSettings } from '../settings/options.ts';
import { OF_DAEMON } from '../settings/table.ts';
import { bringUp } from './up.ts';

export function addLogin(program: Command, context: CliContext): void {
  const command = program
    .command('login')
    .description('ask a server to let this device in: shows a code that somebody who is signed in types')
    .argument('<url>', 'of the server')
    .option('--pin <ID>', "the network's id, where the server's certificate is not a trusted one");
  addSettings(command, OF_DAEMON);
  addExamples(command, [['pcloud login https://pcloud.example.org', 'as "pcloud up --login-server" does']]);
  onCall<{ pin?: string }>(command, context, async (call) => {
    const { pin } = call.options;
    await bringUp(call, undefined, { loginServer: call.args[0]!, ...(pin === undefined ? {} : { pin }) });
  });
}
