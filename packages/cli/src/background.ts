import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fstatSync, writeSync } from 'node:fs';
import type { Readable } from 'node:stream';

const READY_VARIABLE = 'PCLOUD_READY_FD';
const READY_DESCRIPTOR = 3;
const READY = 'ready';

/**
 * Starts this program once more, detached and in the foreground, and waits until it says that it is ready.
 * @param environment of the child; descriptors named in it are handed down
 * @returns undefined when it is ready, else why not, one line
 */
export async function startInBackground(
  environment: Readonly<Record<string, string | undefined>>,
  args: readonly string[],
  inheritOutput: boolean,
): Promise<string | undefined> {
  const handed: number[] = [];
  const env: Record<string, string | undefined> = { ...environment, WG_PROCESS_FOREGROUND: '1' };
  for (const name of ['WG_TUN_FD', 'WG_UAPI_FD']) {
    if (!environment[name]) continue;
    const descriptor = Number(environment[name]);
    if (!isOpen(descriptor)) return `${name}: descriptor ${descriptor} is not open`;
    env[name] = String(READY_DESCRIPTOR + 1 + handed.length);
    handed.push(descriptor);
  }
  return (await startDetached({ environment: env, args, output: inheritOutput ? 'inherit' : 'ignore', handed }))
    .failure;
}

export interface DetachedStart {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly args: readonly string[];
  /** Where its output goes; a number is a descriptor. */
  readonly output: 'inherit' | 'ignore' | number;
  /** Descriptors that the child has from 4 on. */
  readonly handed?: readonly number[];
}

/** The child, and why it is not ready, one line; undefined when it is. */
export interface Detached {
  readonly child: ChildProcess;
  readonly failure: string | undefined;
}

/** Starts this program once more, detached, and waits until it says that it is ready, or why it is not. */
export function startDetached({ environment, args, output, handed = [] }: DetachedStart): Promise<Detached> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...process.execArgv, process.argv[1]!, ...args], {
      detached: true,
      cwd: '/',
      env: { ...environment, [READY_VARIABLE]: String(READY_DESCRIPTOR) },
      stdio: ['ignore', output, output, 'pipe', ...handed],
    });
    const pipe = child.stdio[READY_DESCRIPTOR] as Readable;
    let told = '';
    let ended = 'it ended without a word';
    child.once('error', (error) => resolve({ child, failure: `cannot start the process: ${error.message}` }));
    child.once('exit', (code, signal) => {
      ended = signal ? `it was ended by ${signal}` : `it ended with ${code}`;
    });
    pipe.setEncoding('utf8');
    pipe.on('data', (text: string) => {
      told += text;
    });
    // Its end of the pipe closes when it has told how it went, and when it dies.
    pipe.once('close', () => {
      child.unref();
      if (told === READY) resolve({ child, failure: undefined });
      else setImmediate(() => resolve({ child, failure: told === '' ? ended : told }));
    });
  });
}

/** Asks a child that was started detached to end, as Ctrl-C does, and waits until it has. */
export function stopDetached(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    // This process would otherwise end before it, and the promise never settle.
    child.ref();
    child.once('exit', () => resolve());
    child.kill('SIGINT');
  });
}

function isOpen(descriptor: number): boolean {
  try {
    fstatSync(descriptor);
    return true;
  } catch {
    return false;
  }
}

/** Whether a process that started this one waits to be told. */
export function hasStarter(environment: Readonly<Record<string, string | undefined>>): boolean {
  return environment[READY_VARIABLE] !== undefined;
}

/**
 * Tells the process that started this one, if it waits, that the interface is ready, or why it is not.
 * @returns whether it was told, and will tell
 */
export function tellStarter(environment: Record<string, string | undefined>, failure?: string): boolean {
  const text = environment[READY_VARIABLE];
  delete environment[READY_VARIABLE];
  if (text === undefined || !/^\d+$/.test(text)) return false;
  try {
    writeSync(Number(text), failure ?? READY);
    closeSync(Number(text));
    return true;
  } catch {
    // It has gone away.
    return false;
  }
}
