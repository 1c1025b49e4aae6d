import { type Command, Option } from 'commander';
import { askNetwork } from '../ask-network.ts';
import { addExamples, onCall } from '../call.ts';
import type { CliContext } from '../context.ts';
import { readNewPassword } from '../password.ts';
import { parsedAs } from '../settings/options.ts';
import { parseDuration } from '../settings/parse.ts';
import { formatTable } from '../texts/table.ts';
import { formatTime } from '../texts/time.ts';

interface UserRow {
  readonly name: string;
  readonly role: string;
  readonly disabled: boolean;
  readonly createdAtMs: number;
}

const ROLES = ['owner', 'admin', 'member'];

export function addUsers(program: Command, context: CliContext): void {
  const users = program.command('users').description('manage the people of the network');
  addExamples(users, [
    ['pcloud users add --owner ada', 'asks for a password'],
    ['pcloud users invite', 'a link for somebody to register by'],
    ['pcloud users disable bob', 'neither he nor his devices get in'],
  ]);

  onCall(users.command('list').description('list users'), context, async ({ settings, answer }) => {
    const found = (await askNetwork(settings, context, 'users.list')) as readonly UserRow[];
    const rows = found.map((user) => [
      user.name,
      user.role,
      user.disabled ? 'disabled' : 'active',
      formatTime(user.createdAtMs),
    ]);
    answer(found, formatTable(['USER', 'ROLE', 'STATE', 'SINCE'], rows, context.columns));
  });

  const add = users
    .command('add')
    .description('make an account; the password is asked for, or a line of standard input');
  add.argument('<name>').option('--owner', 'as --role owner');
  add.addOption(
    new Option('--role <ROLE>', 'what the user may do').choices(ROLES).default('member').conflicts('owner'),
  );
  onCall<{ owner?: boolean; role: string }>(add, context, async ({ settings, args: [name], options, answer }) => {
    const role = options.owner === true ? 'owner' : options.role;
    const password = await readNewPassword(context, name!);
    const added = (await askNetwork(settings, context, 'users.add', { name, role, password })) as UserRow;
    answer(added, `${added.name} is ${role === 'member' ? 'a' : 'an'} ${role} of the network.\n`);
  });

  const invite = users.command('invite').description('print a link with which somebody makes an account of their own');
  invite.addOption(new Option('--role <ROLE>', 'what they may do').choices(ROLES).default('member'));
  invite.option('--expires <TIME>', 'how long it holds (default: 7d)', parsedAs('--expires', parseDuration));
  onCall<{ role: string; expires?: number }>(invite, context, async ({ settings, options, answer }) => {
    const { role, expires } = options;
    const input = { role, ...(expires === undefined ? {} : { expiresInMs: expires }) };
    const made = (await askNetwork(settings, context, 'invitations.create', input)) as { url: string };
    answer(made, `${made.url}\n`);
  });

  const setRole = users.command('set-role').description('change what a user may do').argument('<user>');
  setRole.argument('<role>', ROLES.join(', '));
  onCall(setRole, context, async ({ settings, args: [user, role], answer }) => {
    answer(await askNetwork(settings, context, 'users.set-role', { user, role }), `${user}: ${role} now.\n`);
  });

  for (const [name, description, done] of [
    ['disable', 'keep a user and their devices out', 'is disabled'],
    ['enable', 'let a disabled user in again', 'is enabled'],
    ['remove', 'remove an account', 'is removed'],
  ] as const) {
    const command = users.command(name).description(description).argument('<user>');
    onCall(command, context, async ({ settings, args: [user], answer }) => {
      answer(await askNetwork(settings, context, `users.${name}`, { user }), `${user} ${done}.\n`);
    });
  }
}
