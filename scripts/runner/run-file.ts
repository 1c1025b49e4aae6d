/** Runs one test file, or one tool, as a process of its own with an end to its time. */
import { spawn } from 'node:child_process';

export interface Task {
  /** What the line of this task says: a path, `lint`. */
  readonly name: string;
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** `uvu`: the totals are read from the output; `exit`: the whole is one test, told by the exit code. */
  readonly counts: 'uvu' | 'exit';
  readonly limitSeconds: number;
}

export interface Outcome {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
  readonly seconds: number;
  /** Why it failed; empty when it did not. */
  readonly complaint: string;
  readonly output: string;
}

const running = new Set<number>();

/** Runs a task in a process group of its own, so that nothing it started outlives its time limit. */
export function runTask(task: Task, cwd: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const startedAt = performance.now();
    const [file = '', ...args] = task.argv;
    const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0', ...task.env };
    const child = spawn(file, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    if (child.pid !== undefined) running.add(child.pid);
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      killGroup(child.pid);
    }, task.limitSeconds * 1000);
    child.once('error', (error) => chunks.push(Buffer.from(`${error}\n`)));
    child.once('exit', () => {
      // What a file leaves running holds the pipes open, and has no business after it.
      killGroup(child.pid);
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      if (child.pid !== undefined) running.delete(child.pid);
      const output = Buffer.concat(chunks).toString();
      const ending = timedOut ? `no end after ${task.limitSeconds} s` : code === 0 ? '' : `exit code ${code}`;
      const result = task.counts === 'uvu' ? readTotals(output, ending) : { passed: ending ? 0 : 1, complaint: ending };
      const failed = 'failed' in result ? result.failed : 1 - result.passed;
      const seconds = (performance.now() - startedAt) / 1000;
      resolve({ name: task.name, passed: result.passed, failed, seconds, complaint: result.complaint, output });
    });
  });
}

/** Ends everything that is still running: the runner was interrupted. */
export function killAll(): void {
  for (const pid of running) killGroup(pid);
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // the group is empty already
  }
}

/** Reads uvu's closing lines. No totals, no tests, a skipped test and a bad ending are failures each. */
export function readTotals(output: string, ending: string): { passed: number; failed: number; complaint: string } {
  const read = (what: string): number | undefined => {
    const found = new RegExp(`^ {2}${what}: +(\\d+)`, 'm').exec(output);
    return found ? Number(found[1]) : undefined;
  };
  const total = read('Total');
  const passed = read('Passed') ?? 0;
  const skipped = read('Skipped') ?? 0;
  if (total === undefined) return { passed: 0, failed: 1, complaint: ending || 'no totals in its output' };
  if (total === 0) return { passed: 0, failed: 1, complaint: 'it holds no test' };
  const failed = total - passed + skipped;
  if (failed > 0) return { passed, failed, complaint: skipped > 0 ? `${skipped} skipped` : `${failed} failed` };
  return ending ? { passed, failed: 1, complaint: ending } : { passed, failed: 0, complaint: '' };
}
