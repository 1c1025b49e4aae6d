import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import type { Command } from 'commander';
import { askNetwork } from '../ask-network.ts';
import { addExamples, onCall } from '../call.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../exit.ts';
import { formatTable } from '../texts/table.ts';

interface Counters {
  /** What became of nodes' connections. */
  readonly connections: Readonly<Record<string, number>>;
  /** By `part.CODE`. */
  readonly refused: Readonly<Record<string, number>>;
}

export function addDebug(program: Command, context: CliContext): void {
  const debug = program.command('debug').description('for whoever looks for a fault');
  const bundle = debug
    .command('bundle')
    .description('write status, map, log and network of this machine to a tar.gz; no private key is in it')
    .option('-o, --output <FILE>', 'where (default: pcloud-debug-TIME.tar.gz)');
  addExamples(bundle, [['pcloud debug bundle -o /tmp/pcloud.tar.gz', 'names and addresses of the network are in it']]);
  onCall<{ output?: string }>(bundle, context, async ({ settings, options, answer }) => {
    const { collectBundle } = await import('../debug/collect.ts');
    const { writeTar } = await import('../debug/tar.ts');
    const wallMs = Date.now();
    const stamp = new Date(wallMs).toISOString().slice(0, 19).replaceAll(':', '');
    const file = options.output ?? `pcloud-debug-${stamp}.tar.gz`;
    const bytes = gzipSync(writeTar(await collectBundle(settings), wallMs));
    try {
      writeFileSync(file, bytes, { mode: 0o600 });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new CliError('failed', `"${file}": cannot be written (${code}); name another with --output`);
    }
    answer({ file, bytes: bytes.length }, `${file}: names and addresses of your network are in it, no private key.\n`);
  });

  const counters = debug.command('counters').description('how often the server turned what away, by code; for admins');
  onCall(counters, context, async ({ settings, answer }) => {
    const found = (await askNetwork(settings, context, 'network.counters')) as Counters;
    const rows = Object.entries({ ...found.connections, ...found.refused });
    answer(
      found,
      formatTable(
        ['WHAT', 'TIMES'],
        rows.map(([what, times]) => [what, `${times}`]),
        context.columns,
      ),
    );
  });
}
