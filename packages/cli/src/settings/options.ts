import type { Command } from 'commander';
import type { CliContext } from '../context.ts';
import { CliError } from '../exit.ts';
import type { Parse } from './parse.ts';
import { type Flags, readSettings, type Settings } from './read.ts';
import { SETTINGS, type SettingKey } from './table.ts';

/** Gives a command the flags of settings. */
export function addSettings(command: Command, keys: readonly SettingKey[]): Command {
  for (const key of keys) {
    const { name, argument, help, isList } = SETTINGS[key];
    const flags = argument === undefined ? `--${name}` : `--${name} <${argument}>`;
    const option = command.createOption(flags, help);
    // Commander makes its own name of the flag; settings have theirs.
    option.attributeName = () => key;
    if (isList) option.argParser((value: string, before: readonly string[] | undefined) => [...(before ?? []), value]);
    command.addOption(option);
  }
  return command;
}

/** The settings of a command that was called. @throws CliError usage */
export function settingsOf(command: Command, context: CliContext): Promise<Settings> {
  return readSettings(command.optsWithGlobals<Flags>(), context.environment);
}

/** A value for commander, whose errors name the flag. */
export function parsedAs<T>(flag: string, parse: Parse<T>): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new CliError('usage', `${flag}: ${(error as Error).message}`);
    }
  };
}

/** Collects the values of a flag that may be given more than once. */
export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}
