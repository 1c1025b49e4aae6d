import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { DaemonError } from '../../errors.ts';
import { stepAfter } from './state-file.ts';

/** The right to a state directory, held by one process at a time. */
export interface StateLock {
  release(): void;
}

const NAME = /^lock\.(\d{1,15})$/;

/** In the place of a holder. */
const NOBODY = 'nobody';

/**
 * Takes a state directory, from a process that is no more if need be. Each holder has a number of its own: the
 * next number's link, which points at the holder's name, is made by one of many, and the highest is never
 * removed, so that nobody can take what was just taken. A link needs no space on a disk that is full.
 * @param self names this process for as long as it lives
 * @throws DaemonError ALREADY_RUNNING, STATE_FAILED
 */
export function lockState(directory: string, self: string = processName(process.pid) ?? NOBODY): StateLock {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const numbers = lockNumbers(directory);
    const last = Math.max(0, ...numbers);
    if (last > 0) checkFree(directory, pathOf(directory, last));
    const path = pathOf(directory, last + 1);
    claim(directory, path, self);
    for (const number of numbers) rmSync(pathOf(directory, number), { force: true });
    return { release: () => release(directory, last + 1) };
  } catch (error) {
    if (error instanceof DaemonError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new DaemonError('STATE_FAILED', `"${directory}": cannot be locked (${code}); ${stepAfter(code)}`, {
      cause: error,
    });
  }
}

/** A process by its number and the moment it started, since numbers are used again; undefined when it is no more. */
export function processName(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in brackets, and may hold anything.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    // It has ended, and whoever is to take note of that may never do so, as the first process of many containers.
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    const startedAt = fields[19];
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${pid} ${startedAt} ${boot}`;
  } catch {
    return undefined;
  }
}

function pathOf(directory: string, number: number): string {
  return join(directory, `lock.${number}`);
}

function lockNumbers(directory: string): number[] {
  return readdirSync(directory).flatMap((name) => {
    const match = NAME.exec(name);
    return match ? [Number(match[1])] : [];
  });
}

function checkFree(directory: string, path: string): void {
  const holder = readlinkSync(path);
  const pid = Number(holder.split(' ')[0]);
  if (holder !== NOBODY && processName(pid) === holder) throw inUse(directory, `process ${pid}`);
}

function claim(directory: string, path: string, self: string): void {
  try {
    symlinkSync(self, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw inUse(directory, 'a process that just started');
    throw error;
  }
}

function release(directory: string, number: number): void {
  try {
    symlinkSync(NOBODY, pathOf(directory, number + 1));
    rmSync(pathOf(directory, number), { force: true });
  } catch {
    // It is free anyway as soon as this process has ended.
  }
}

function inUse(directory: string, holder: string): DaemonError {
  return new DaemonError(
    'ALREADY_RUNNING',
    `"${directory}" is in use by ${holder}: stop it first, or choose another directory with --state-dir`,
  );
}
