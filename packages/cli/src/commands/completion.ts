import { Argument, type Command } from 'commander';
import { addExamples, onCall } from '../call.ts';
import { SHELLS, type Shell, writeCompletion } from '../completion/scripts.ts';
import { readTree } from '../completion/tree.ts';
import type { CliContext } from '../context.ts';

export function addCompletion(program: Command, context: CliContext): void {
  const command = program
    .command('completion')
    .description('print a script with which a shell completes commands and options')
    .addArgument(new Argument('<shell>').choices(SHELLS));
  addExamples(command, [
    ['pcloud completion bash > /etc/bash_completion.d/pcloud', 'for everybody'],
    ['source <(pcloud completion zsh)', 'for this shell'],
    ['pcloud completion fish > ~/.config/fish/completions/pcloud.fish', 'for yourself'],
  ]);
  onCall(command, context, ({ args: [shell], answer }) => {
    const script = writeCompletion(shell as Shell, readTree(program));
    answer({ shell, script }, script);
  });
}
