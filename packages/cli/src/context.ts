import { existsSync } from 'node:fs';

/** What a command knows of whoever called it. */
export interface CliContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Standard output. */
  out(text: string): void;
  /** Standard error. */
  err(text: string): void;
  /** Whether a person reads the output, and can be asked. */
  readonly isTerminal: boolean;
  /** Of the terminal, or 80. */
  readonly columns: number;
  readonly isRoot: boolean;
  /** All of the standard input. @throws CliError */
  readInput(): Promise<string>;
  /** Asks on the terminal; undefined when there was no answer. With `hidden`, nothing of it is shown. */
  ask(question: string, options?: { readonly hidden?: boolean }): Promise<string | undefined>;
}

/** Whether a service manager of the machine could have the daemon. */
export function hasSystemd(): boolean {
  return existsSync('/run/systemd/system');
}
