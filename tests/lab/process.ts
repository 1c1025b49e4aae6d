/** Processes of a lab: run to the end, or kept going and stopped. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { sleep, waitFor } from './wait.ts';

export interface RunOptions {
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Written to standard input, which is then closed. */
  readonly input?: string;
  /** After this long the process is killed and the call fails. Default 30 s. */
  readonly timeoutMs?: number;
  /** False: a non-zero exit code is a result, not an error. Default true. */
  readonly check?: boolean;
}

export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process that keeps going in the background. */
export interface LabProcess {
  readonly command: readonly string[];
  /** Standard output and standard error so far, in the order they came. */
  output(): string;
  stdout(): string;
  /** Settles when the process has ended. Never rejects. */
  readonly exited: Promise<Exit>;
  readonly isRunning: boolean;
  /** The process's id as seen from outside the lab. */
  pid(): Promise<number>;
  signal(signal: NodeJS.Signals): Promise<void>;
  /** Sends a signal and waits for the end; SIGKILL after the deadline (default 5 s). */
  stop(signal?: NodeJS.Signals, deadlineMs?: number): Promise<Exit>;
}

/** Words to execute as they are, or one line for `sh -c`. */
export type Command = readonly string[] | string;

export function words(command: Command): readonly string[] {
  return typeof command === 'string' ? ['sh', '-c', command] : command;
}

/**
 * Runs to the end.
 * @param prefix words in front that enter a host; its one child is the command itself
 * @throws Error with the command and all its output on a non-zero exit, a signal or a time-out
 */
export async function run(prefix: readonly string[], command: Command, options: RunOptions = {}): Promise<RunResult> {
  const argv = words(command);
  const child = start([...prefix, ...argv], options);
  child.stdin?.on('error', () => {}); // a command that does not read its input
  child.stdin?.end(options.input ?? '');
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    killTree(child.pid);
  }, options.timeoutMs ?? 30_000);
  const exit = await new Promise<Exit>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  clearTimeout(timer);
  const stdout = Buffer.concat(out).toString();
  const stderr = Buffer.concat(err).toString();
  if (timedOut || exit.code === null || (exit.code !== 0 && options.check !== false)) {
    const how = timedOut ? `no end after ${options.timeoutMs ?? 30_000} ms` : `exit ${exit.code ?? exit.signal}`;
    throw new Error(`${how}: ${argv.join(' ')}\n${stdout}${stderr}`);
  }
  return { code: exit.code, stdout, stderr };
}

/** Time to read what an ended process has written. Milliseconds. */
const DRAIN_MS = 250;

/** Starts in the background; `prefix` as in `run`. */
export function background(prefix: readonly string[], command: Command, options: RunOptions = {}): LabProcess {
  const argv = words(command);
  const child = start([...prefix, ...argv], options);
  child.stdin?.on('error', () => {});
  if (options.input !== undefined) child.stdin?.end(options.input);
  let all = '';
  let out = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    out += chunk;
    all += chunk;
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    all += chunk;
  });
  let running = true;
  const exited = new Promise<Exit>((resolve) => {
    child.once('error', (error) => {
      all += `${error}\n`;
      running = false;
      resolve({ code: 127, signal: null });
    });
    child.once('exit', (code, signal) => {
      running = false;
      // What it wrote last is still in the pipes; a daemon's grandchild may hold them open for ever.
      const settle = (): void => resolve({ code, signal });
      child.once('close', settle);
      setTimeout(settle, DRAIN_MS);
    });
  });
  let inner: number | undefined = prefix.length === 0 ? child.pid : undefined;

  async function pid(): Promise<number> {
    if (inner !== undefined) return inner;
    inner = await waitFor(`${argv[0]} to have started`, () => (running ? childOf(child.pid ?? 0) : 0), 5000);
    return inner;
  }

  return {
    command: argv,
    output: () => all,
    stdout: () => out,
    exited,
    get isRunning() {
      return running;
    },
    pid,
    async signal(signal) {
      if (!running) return;
      try {
        process.kill(await pid(), signal);
      } catch {
        if (running) await sleep(1); // it ended in this instant
      }
    },
    async stop(signal = 'SIGTERM', deadlineMs = 5000) {
      await this.signal(signal);
      const timer = setTimeout(() => killTree(child.pid), deadlineMs);
      const exit = await exited;
      clearTimeout(timer);
      return exit;
    },
  };
}

function start(argv: readonly string[], options: RunOptions): ChildProcess {
  const [file = '', ...args] = argv;
  return spawn(file, args, { env: { ...process.env, LC_ALL: 'C', ...options.env }, stdio: 'pipe' });
}

/** The one child of an entering process, which is the command; 0 when there is none yet. */
export function childOf(pid: number): number {
  return childrenOf(pid)[0] ?? 0;
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** All of it: what a shell leaves running holds the pipes open, and their end is waited for. */
function killTree(pid: number | undefined): void {
  if (pid === undefined) return;
  const children = childrenOf(pid);
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // gone already
  }
  for (const child of children) killTree(child);
}
