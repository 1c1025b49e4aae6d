import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks a second in /proc, fixed on Linux's public interface. */
const TICKS_PER_SECOND = 100;

/** CPU seconds that a process and its threads have used, user and system. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** The same of the threads that there are, without the ticks that little work falls between. Nanoseconds. */
export function cpuNanoseconds(pid: number): number {
  return sumOfThreads(pid, 'schedstat', /^\d+/);
}

/** How often threads of a process were given the CPU after they had waited for something. */
export function wakeUps(pid: number): number {
  return sumOfThreads(pid, 'status', /(?<=^voluntary_ctxt_switches:\s+)\d+/m);
}

/** Resident memory of a process, in megabytes. */
export function residentMb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

/** The same, where a page that several processes have counts as a share of it. */
export function proportionalMb(pid: number): number {
  return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]) / 1024;
}

function sumOfThreads(pid: number, file: string, pattern: RegExp): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const counts = threads.map(
    (thread) => pattern.exec(readFileSync(`/proc/${pid}/task/${thread}/${file}`, 'utf8'))?.[0],
  );
  return counts.reduce((sum, count) => sum + Number(count), 0);
}
