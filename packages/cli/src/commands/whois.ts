import type { Command } from 'commander';
import { addExamples, onCall } from '../call.ts';
import type { CliContext } from '../context.ts';
import { formatFields } from '../texts/table.ts';

/** What the daemon's map has of a node. */
interface Found {
  readonly name: string;
  readonly user: string;
  readonly tags: readonly string[];
  readonly role: string;
  readonly addresses: readonly string[];
  readonly nodeKey: string;
}

export function addWhois(program: Command, context: CliContext): void {
  const command = program
    .command('whois')
    .description('say which node has a name or an address, and whose it is')
    .argument('<node>', 'name or address');
  addExamples(command, [['pcloud whois 10.0.0.2', 'whose address is that?']]);
  onCall(command, context, async ({ settings, args: [node], answer }) => {
    const { askDaemon } = await import('@pcloud/daemon');
    const found = await askDaemon(settings.runtimeDir, { method: 'POST', path: '/whois', input: { node } });
    const { name, user, tags, role, addresses, nodeKey } = found as Found;
    const owner = user !== '' ? user : tags.length > 0 ? tags.join(', ') : 'nobody';
    answer(
      found,
      formatFields([
        ['node', name],
        ['owner', owner],
        ['role', role],
        ['addresses', addresses.join(', ')],
        ['public key', nodeKey],
      ]),
    );
  });
}
