import type { Command } from 'commander';
import { addExamples } from '../call.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../exit.ts';
import { inspectSettings } from '../settings/inspect.ts';
import { addSettings } from '../settings/options.ts';
import type { Flags } from '../settings/read.ts';
import { OF_COORDINATOR, OF_DAEMON } from '../settings/table.ts';
import { formatTable } from '../texts/table.ts';

const NOTES = `
It reads flags, PCLOUD_* variables and the configuration file as the commands do, and looks at the files that they
name. It changes nothing, asks nobody and starts nothing; with exit code 2 something is wrong.`;

export function addConfigtest(program: Command, context: CliContext): void {
  const command = program
    .command('configtest')
    .description('say which settings would be used, where each comes from, and what is wrong')
    .addHelpText('after', NOTES);
  addSettings(command, OF_COORDINATOR);
  addSettings(command, OF_DAEMON);
  addExamples(command, [
    ['pcloud configtest', 'before "systemctl restart pcloud-seed"'],
    ['pcloud configtest --config /tmp/config.yaml', 'a file that is not in place yet'],
  ]);
  command.action(async () => {
    const flags = command.optsWithGlobals<Flags>();
    const { rows, settings, ...found } = await inspectSettings(flags, context.environment);
    const { checkMachine } = await import('../settings/check-machine.ts');
    const machine = await checkMachine(settings, Date.now());
    const problems = [...found.problems, ...machine.problems];
    const warnings = [...found.warnings, ...machine.warnings];
    if (flags.json === true) {
      context.out(`${JSON.stringify({ settings: rows, problems, warnings })}\n`);
    } else {
      const cells = rows.map(({ name, value, from }) => [name, [value ?? '-'].flat().join(', '), from]);
      context.out(formatTable(['SETTING', 'VALUE', 'FROM'], cells, context.columns));
      for (const warning of warnings) context.err(`warning: ${warning}\n`);
      for (const problem of problems) context.err(`${problem}\n`);
    }
    if (problems.length > 0) throw new CliError('usage', `configtest: ${problems.length} wrong; nothing was changed`);
  });
}
