import { writeSync } from 'node:fs';
import { toPrintable } from './printable.ts';

/**
 * Ends the program with one line when nobody takes its output: the pipe was closed, the disk is full.
 * @param program name, as the line begins
 */
export function guardOutput(program: string): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.stderr.write(`${program}: standard output: cannot be written (${error.code ?? error.message})\n`);
    process.exit(1);
  });
}

/** Writes a line of the log. Whoever read it may have gone away, the disk may be full: the tunnel goes on. */
export function writeLog(line: string): void {
  try {
    writeSync(2, toPrintable(line));
  } catch {
    // There is no other place to say it.
  }
}
