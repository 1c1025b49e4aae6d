import type { Command } from 'commander';
import { askNetwork } from '../ask-network.ts';
import { addExamples, onCall } from '../call.ts';
import type { CliContext } from '../context.ts';
import { formatTable } from '../texts/table.ts';
import { formatTime } from '../texts/time.ts';

interface TokenRow {
  readonly id: string;
  readonly tags: readonly string[];
  readonly reusable: boolean;
  readonly ephemeral: boolean;
  readonly expiresAtMs: number;
}

export function addTokens(program: Command, context: CliContext): void {
  const tokens = program.command('tokens').description('list and take back what join links let in with');
  addExamples(tokens, [
    ['pcloud tokens list', 'links that still let somebody in'],
    ['pcloud tokens revoke ID', 'one of them does no more'],
  ]);

  onCall(tokens.command('list').description('list links that hold'), context, async ({ settings, answer }) => {
    const found = (await askNetwork(settings, context, 'tokens.list')) as readonly TokenRow[];
    const rows = found.map((token) => [
      token.id,
      token.reusable ? 'many' : 'one',
      token.ephemeral ? 'yes' : 'no',
      token.tags.join(' ') || '-',
      formatTime(token.expiresAtMs),
    ]);
    answer(found, formatTable(['ID', 'DEVICES', 'EPHEMERAL', 'TAGS', 'UNTIL'], rows, context.columns));
  });

  const revoke = tokens.command('revoke').description('take a link back').argument('<id>', 'as "list" has it');
  onCall(revoke, context, async ({ settings, args: [id], answer }) => {
    answer(await askNetwork(settings, context, 'tokens.revoke', { id }), `${id} lets nobody in any more.\n`);
  });
}
