import type { Command } from 'commander';
import { onCall } from '../call.ts';
import type { CliContext } from '../context.ts';
import { VERSION } from '../version.ts';

export function addVersion(program: Command, context: CliContext): void {
  const command = program.command('version').description('print the version');
  onCall(command, context, ({ answer }) => answer({ version: VERSION, node: process.version }, `${VERSION}\n`));
}
