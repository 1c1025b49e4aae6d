import type { Command } from 'commander';
import type { CliContext } from './context.ts';
import { settingsOf } from './settings/options.ts';
import type { Settings } from './settings/read.ts';

/** One call of a command. */
export interface Call<Options = Record<string, never>> {
  readonly context: CliContext;
  readonly settings: Settings;
  /** The command's own options, beside settings. */
  readonly options: Options;
  /** Its arguments. */
  readonly args: readonly string[];
  readonly json: boolean;
  /** Prints one answer: an object, or what people read of it. */
  answer(value: unknown, text: string): void;
}

/** Has a command act on a call. */
export function onCall<Options>(
  command: Command,
  context: CliContext,
  act: (call: Call<Options>) => Promise<void> | void,
): Command {
  return command.action(async () => {
    const json = command.optsWithGlobals<{ json?: boolean }>().json === true;
    await act({
      context,
      settings: await settingsOf(command, context),
      options: command.opts() as Options,
      args: command.args,
      json,
      answer: (value, text) => context.out(json ? `${JSON.stringify(value)}\n` : text),
    });
  });
}

/** Text behind a command's help. Each example is a line of the shell and what it does. */
export function addExamples(command: Command, examples: readonly (readonly [line: string, what: string])[]): Command {
  const width = Math.max(...examples.map(([line]) => line.length));
  const isWide = width > 44;
  const lines = examples.map(([line, what]) =>
    isWide ? `  # ${what}\n  ${line}` : `  ${line.padEnd(width)}  # ${what}`,
  );
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}
