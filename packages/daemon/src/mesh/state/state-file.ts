import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { DaemonError } from '../../errors.ts';
import { replaceFile, syncDirectory } from '../../replace-file.ts';

/**
 * Reads a file of the state directory.
 * @returns undefined when there is none
 * @throws DaemonError STATE_FAILED
 */
export function readStateFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined;
    throw new DaemonError('STATE_FAILED', `"${path}": cannot be read (${codeOf(cause)}); start pcloud as root`, {
      cause,
    });
  }
}

/**
 * Has a file of the state directory, mode 0600, on disk when it returns; the directory is made where it is missing.
 * @throws DaemonError STATE_FAILED
 */
export function writeStateFile(path: string, text: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    replaceFile(path, Buffer.from(text));
  } catch (cause) {
    const code = codeOf(cause);
    throw new DaemonError('STATE_FAILED', `"${path}": cannot be written (${code}); ${stepAfter(code)}`, { cause });
  }
}

/** Removes a file of the state directory if it is there. @throws DaemonError STATE_FAILED */
export function removeStateFile(path: string): void {
  try {
    rmSync(path, { force: true });
    if (existsSync(dirname(path))) syncDirectory(dirname(path));
  } catch (cause) {
    throw new DaemonError('STATE_FAILED', `"${path}": cannot be removed (${codeOf(cause)}); start pcloud as root`, {
      cause,
    });
  }
}

/** Puts a file of the state directory in the place of another, on disk when it returns. @throws DaemonError STATE_FAILED */
export function renameStateFile(from: string, to: string): void {
  try {
    renameSync(from, to);
    syncDirectory(dirname(to));
  } catch (cause) {
    const code = codeOf(cause);
    throw new DaemonError('STATE_FAILED', `"${to}": cannot be replaced (${code}); ${stepAfter(code)}`, { cause });
  }
}

/** What to do when the system refused a change with this code. */
export function stepAfter(code: string | undefined): string {
  return code === 'ENOSPC' || code === 'EDQUOT' ? 'free some space on that disk' : 'start pcloud as root';
}

/** The error of a file that does not hold what was written there. */
export function corruptFile(path: string, nextStep: string): DaemonError {
  return new DaemonError('STATE_CORRUPT', `"${path}": not what pcloud wrote there; ${nextStep}`);
}

/** The value of a JSON text; undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown';
}
