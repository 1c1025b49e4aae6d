import type { Command } from 'commander';
import { addExamples, type Call, onCall } from '../call.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../exit.ts';
import { joinNetwork, targetOf } from '../join.ts';
import { askLoginServer } from '../login-server.ts';
import { addSettings } from '../settings/options.ts';
import { OF_DAEMON } from '../settings/table.ts';

export interface LoginOptions {
  readonly loginServer?: string;
  readonly pin?: string;
}

export function addUp(program: Command, context: CliContext): void {
  const command = program
    .command('up')
    .description('join a network by a link, or come up again in the one this device belongs to')
    .argument('[link]', 'a join link in quotes; - reads it from standard input')
    .option('--login-server <URL>', 'join without a link: somebody who is signed in approves')
    .option('--pin <ID>', "the network's id, where the server's certificate is not a trusted one");
  addSettings(command, OF_DAEMON);
  addExamples(command, [
    ['pcloud up', 'come up again'],
    ["pcloud up 'https://HOST:8443/join#v=1&...'", 'join'],
    ['ssh seed pcloud invite | pcloud up -', 'the link on no command line'],
    ['pcloud up --login-server https://HOST', 'ask to be let in'],
  ]);
  onCall<LoginOptions>(command, context, async (call) => {
    const { args, options } = call;
    if (args[0] !== undefined && options.loginServer !== undefined) {
      throw new CliError('usage', 'up: a link or --login-server, not both');
    }
    if (options.pin !== undefined && options.loginServer === undefined) {
      throw new CliError('usage', '--pin: of use with --login-server only; a link has the id in it');
    }
    await bringUp(call, args[0], options);
  });
}

/** Joins or resumes, and says as what. */
export async function bringUp(call: Call<unknown>, link: string | undefined, login: LoginOptions): Promise<void> {
  const { context, settings, json, answer } = call;
  const text = link === '-' ? await context.readInput() : link;
  const target =
    login.loginServer === undefined
      ? text === undefined
        ? undefined
        : await targetOf(text)
      : await askLoginServer(login.loginServer, login.pin);
  const joined = await joinNetwork(target, settings, context, (code, url) => {
    if (json) context.out(`${JSON.stringify({ event: 'pending', code, url })}\n`);
    else context.out(`To let this device in, somebody who is signed in opens\n\n  ${url}\n\nand types   ${code}\n\n`);
  });
  answer(joined, `${joined.name} is up: ${joined.addresses.join(', ')}\n`);
}
