import { spawn } from 'node:child_process';
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
  const output = inheritOutput ? 'inherit' : 'ignore';
  const stdio: ('ignore' | 'inherit' | 'pipe' | number)[] = ['ignore', output, output, 'pipe'];
  const env: Record<string, string | undefined> = {
    ...environment,
    WG_PROCESS_FOREGROUND: '1',
    [READY_VARIABLE]: String(READY_DESCRIPTOR),
  };
  for (const name of ['WG_TUN_FD', 'WG_UAPI_FD']) {
    if (!environment[name]) continue;
    const descriptor = Number(environment[name]);
    if (!isOpen(descriptor)) return `${name}: descriptor ${descriptor} is not open`;
    env[name] = String(stdio.length);
    stdio.push(descriptor);
  }
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...process.execArgv, process.argv[1]!, ...args], {
      detached: true,
      cwd: '/',
      env,
      stdio,
    });
    const pipe = child.stdio[READY_DESCRIPTOR] as Readable;
    let told = '';
    let ended = 'it ended without a word';
    child.once('error', (error) => resolve(`cannot start the process: ${error.message}`));
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
      if (told === READY) resolve(undefined);
      else setImmediate(() => resolve(told === '' ? ended : told));
    });
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
