import type { Command } from 'commander';

/** A word that can come next. */
export interface Word {
  readonly word: string;
  readonly description: string;
}

/** What can follow a command. */
export interface CompletionNode {
  /** `nodes rename`; empty for the program itself. */
  readonly path: string;
  readonly commands: readonly Word[];
  readonly options: readonly Word[];
}

/** Every command of a program with what can follow it, the program first. */
export function readTree(program: Command): CompletionNode[] {
  return walk(program, [], optionsOf(program));
}

function walk(command: Command, path: readonly string[], inherited: readonly Word[]): CompletionNode[] {
  const own = path.length === 0 ? inherited : [...optionsOf(command), ...inherited];
  const node = {
    path: path.join(' '),
    commands: command.commands.map((each) => ({ word: each.name(), description: each.description() })),
    options: own,
  };
  return [node, ...command.commands.flatMap((each) => walk(each, [...path, each.name()], inherited))];
}

function optionsOf(command: Command): Word[] {
  return command.options.flatMap(({ long, description }) => (long ? [{ word: long, description }] : []));
}
