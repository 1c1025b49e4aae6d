import { type Command, Option } from 'commander';
import { askNetwork } from '../ask-network.ts';
import { addExamples, onCall } from '../call.ts';
import type { CliContext } from '../context.ts';
import { collect, parsedAs } from '../settings/options.ts';
import { parseDuration } from '../settings/parse.ts';
import { formatTime } from '../texts/time.ts';

interface InviteOptions {
  readonly user?: string;
  readonly tag?: readonly string[];
  readonly reusable?: boolean;
  readonly ephemeral?: boolean;
  readonly expires?: number;
  readonly role?: 'server' | 'client';
  readonly address?: string;
}

export function addInvite(program: Command, context: CliContext): void {
  const command = program
    .command('invite')
    .description('print a join link, with which a device gets in by "pcloud up LINK"')
    .option('--user <NAME>', 'whose the device will be (default: yours)')
    .option('--tag <TAG>', 'a tag in place of a user; again for more', collect)
    .option('--reusable', 'for any number of devices')
    .option('--ephemeral', 'its devices are forgotten soon after they go away')
    .option('--expires <TIME>', 'how long it holds (default: 1h)', parsedAs('--expires', parseDuration))
    .addOption(new Option('--role <ROLE>', 'what the device will be').choices(['server', 'client']))
    .option('--address <ADDRESS>', 'the address that the device gets');
  addExamples(command, [
    ['pcloud invite --user ada', 'one device for Ada, within the hour'],
    ['pcloud invite --tag ci --reusable --ephemeral', 'machines that come and go'],
    ['pcloud invite | ssh host pcloud up -', 'let a machine in, with no link on a command line'],
  ]);
  onCall<InviteOptions>(command, context, async ({ settings, options, json }) => {
    const { tag, expires, ...rest } = options;
    const own: Record<string, unknown> = { ...rest };
    if (tag !== undefined) own.tags = tag;
    if (expires !== undefined) own.expiresInMs = expires;
    const made = (await askNetwork(settings, context, 'invites.create', pickInvite(own))) as {
      link: string;
      expiresAtMs?: number;
    };
    context.out(json ? `${JSON.stringify(made)}\n` : `${made.link}\n`);
    if (!json && context.isTerminal && made.expiresAtMs !== undefined) {
      const who = options.reusable ? 'For any number of devices' : 'For one device';
      context.err(`${who}, until ${formatTime(made.expiresAtMs)}. On it: pcloud up 'LINK'\n`);
    }
  });
}

const INPUTS = ['user', 'tags', 'reusable', 'ephemeral', 'expiresInMs', 'role', 'address'] as const;

/** What the operation takes; a command's options hold settings too. */
function pickInvite(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(INPUTS.flatMap((key) => (options[key] === undefined ? [] : [[key, options[key]]])));
}
