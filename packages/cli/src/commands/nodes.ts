import type { Command } from 'commander';
import { askNetwork } from '../ask-network.ts';
import { addExamples, onCall } from '../call.ts';
import type { CliContext } from '../context.ts';
import { collect } from '../settings/options.ts';
import { formatRevoked, type Revoked } from '../texts/revoked.ts';
import { formatTable } from '../texts/table.ts';

interface NodeRow {
  readonly name: string;
  readonly user: string;
  readonly tags: readonly string[];
  readonly role: string;
  readonly addresses: readonly string[];
  readonly online: boolean;
}

export function addNodes(program: Command, context: CliContext): void {
  const nodes = program
    .command('nodes')
    .description('list, rename, adopt, remove, revoke and approve devices of the network');
  addExamples(nodes, [
    ['pcloud nodes list', 'all of them'],
    ['pcloud nodes rename laptop-2 ada-laptop', 'another name'],
    ['pcloud nodes adopt phone', 'it belonged to nobody, and is yours now'],
    ['pcloud nodes remove old-phone', 'it is out at once'],
    ['pcloud nodes revoke phone', 'it was stolen: its keys are never taken again'],
    ['pcloud nodes approve ABCD-EFGH', 'let in a device that shows this code'],
  ]);

  onCall(nodes.command('list').description('list devices'), context, async ({ settings, answer }) => {
    const found = (await askNetwork(settings, context, 'nodes.list')) as readonly NodeRow[];
    const rows = [...found]
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map((node) => [
        node.name,
        node.addresses[0] ?? '',
        node.user || node.tags.join(' ') || '-',
        node.role,
        node.online ? 'yes' : 'no',
      ]);
    answer(found, formatTable(['NODE', 'ADDRESS', 'OWNER', 'ROLE', 'ONLINE'], rows, context.columns));
  });

  const rename = nodes.command('rename').description('give a device another name');
  rename.argument('<node>', 'name or address').argument('<name>', 'the new one');
  onCall(rename, context, async ({ settings, args: [node, name], answer }) => {
    const renamed = (await askNetwork(settings, context, 'nodes.rename', { node, name })) as NodeRow;
    answer(renamed, `${node} is called ${renamed.name} now.\n`);
  });

  const adopt = nodes.command('adopt').description('make a device that belongs to nobody your own');
  adopt
    .argument('<node>', 'name or address')
    .option('--user <NAME>', 'whose it becomes (default: who owns this device)');
  onCall<{ user?: string }>(adopt, context, async ({ settings, args: [node], options, answer }) => {
    const input = { node, ...(options.user === undefined ? {} : { user: options.user }) };
    const adopted = (await askNetwork(settings, context, 'nodes.adopt', input)) as NodeRow;
    answer(adopted, `${adopted.name} belongs to ${adopted.user} now.\n`);
  });

  const remove = nodes.command('remove').description('take a device out of the network');
  remove
    .argument('<node>', 'name or address')
    .option('--revoke', 'its keys are never taken again: it was lost or stolen');
  onCall<{ revoke?: boolean }>(remove, context, async ({ settings, args: [node], options, answer }) => {
    const removed = await askNetwork(settings, context, 'nodes.remove', { node, revoke: options.revoke === true });
    if (options.revoke) answer(removed, formatRevoked(node!, removed as Revoked, context.columns));
    else answer(removed, `${node} is out of the network.\n`);
  });

  const revoke = nodes.command('revoke').description('take a lost or stolen device out for good: as remove --revoke');
  revoke.argument('<node>', 'name or address');
  onCall(revoke, context, async ({ settings, args: [node], answer }) => {
    const revoked = (await askNetwork(settings, context, 'nodes.remove', { node, revoke: true })) as Revoked;
    answer(revoked, formatRevoked(node!, revoked, context.columns));
  });

  const approve = nodes.command('approve').description('let in the device that shows a code');
  approve.argument('<code>').option('--tag <TAG>', 'a tag in place of a user; again for more', collect);
  onCall<{ tag?: readonly string[] }>(approve, context, async ({ settings, args: [code], options, answer }) => {
    const input = { code, ...(options.tag === undefined ? {} : { tags: options.tag }) };
    answer((await askNetwork(settings, context, 'approvals.approve', input)) ?? {}, `${code}: approved.\n`);
  });

  const deny = nodes.command('deny').description('turn away the device that shows a code').argument('<code>');
  onCall(deny, context, async ({ settings, args: [code], answer }) => {
    answer((await askNetwork(settings, context, 'approvals.deny', { code })) ?? {}, `${code}: turned away.\n`);
  });
}
