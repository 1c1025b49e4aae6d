/** A recovery kit as a file somewhere on this machine, often on a stick. */
import { closeSync, fsyncSync, openSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { CliError } from '../exit.ts';

/** @throws CliError when the file is there already, cannot be written, or would lie in the state itself */
export function writeKit(path: string, stateDir: string, text: string): void {
  try {
    const way = relative(realpathSync(stateDir), realpathSync(dirname(resolve(path))));
    if (!way.startsWith('..')) {
      throw new CliError('usage', `"${path}": lies in "${stateDir}", which the kit is to leave; choose another place`);
    }
  } catch (error) {
    throw explain(error, path);
  }
  writeNew(path, text);
}

/** Writes a file that root alone reads. @throws CliError when it is there already, or cannot be written */
export function writeNew(path: string, text: string): void {
  let file: number;
  try {
    file = openSync(path, 'wx', 0o600);
  } catch (error) {
    throw explain(error, path);
  }
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } catch (error) {
    rmSync(path, { force: true });
    throw explain(error, path);
  } finally {
    closeSync(file);
  }
}

/** @throws CliError */
export function readKit(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw explain(error, path);
  }
}

export function isOnSameDisk(first: string, second: string): boolean {
  return statSync(first).dev === statSync(second).dev;
}

function explain(error: unknown, path: string): CliError {
  if (error instanceof CliError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const why = code === 'EEXIST' ? 'is there already; choose another name' : `cannot be used (${code ?? message})`;
  return new CliError('failed', `"${path}": ${why}`, { cause: error });
}
