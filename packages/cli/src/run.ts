import { CommanderError } from 'commander';
import type { CliContext } from './context.ts';
import { EXIT, endingOf, isExpected } from './exit.ts';
import { toPrintable } from './printable.ts';
import { createProgram } from './program.ts';

/**
 * Runs one command line, without the words for program and script.
 * @returns the exit code
 */
export async function runCli(args: readonly string[], terminal: CliContext): Promise<number> {
  const context: CliContext = {
    ...terminal,
    out: (text) => terminal.out(toPrintable(text)),
    err: (text) => terminal.err(toPrintable(text)),
  };
  try {
    await createProgram(context).parseAsync(args, { from: 'user' });
    return EXIT.done;
  } catch (error) {
    // Commander has said what was wrong itself.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    context.err(`pcloud: ${describeError(error)}\n`);
    return EXIT[endingOf(error)];
  }
}

/** One line; with the place where it happened when nobody thought of it. */
export function describeError(error: unknown): string {
  if (isExpected(error)) return error.message.trimEnd().replace(/\s*\n\s*/g, ' ');
  return `unexpected: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}
