/** Finds what a command has left on this machine. */
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { waitFor } from '../../lab/wait.ts';

/** Follows a command and all that it starts by a mark in their environment. */
export interface Traces {
  /** To be in the command's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Notes the network namespaces that the command's processes are in now, and returns how many there are. */
  note(): number;
  /** @throws when a process, a noted namespace or a new interface of this machine is still there after 5 s */
  expectNone(): Promise<void>;
}

export function createTraces(): Traces {
  const mark = `PCLOUD_TRACE=${randomUUID()}`;
  const own = readlinkSync('/proc/self/ns/net');
  const interfaces = readdirSync('/sys/class/net').join(' ');
  const noted = new Set<string>();
  return {
    env: { PCLOUD_TRACE: mark.slice(mark.indexOf('=') + 1) },
    note() {
      for (const pid of markedProcesses(mark)) {
        const namespace = networkOf(pid);
        if (namespace !== undefined && namespace !== own) noted.add(namespace);
      }
      return noted.size;
    },
    async expectNone() {
      const left = (): string[] => [
        ...markedProcesses(mark).map((pid) => `process ${pid}: ${readProc(pid, 'cmdline').replaceAll('\0', ' ')}`),
        ...[...namespaces()].filter((each) => noted.has(each)).map((each) => `namespace ${each}`),
        ...readdirSync('/sys/class/net').filter((each) => !interfaces.split(' ').includes(each)),
      ];
      await waitFor(
        'every trace to be gone',
        () => left().length === 0,
        5_000,
        () => left().join('\n'),
      );
    },
  };
}

function processes(): string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
}

function markedProcesses(mark: string): string[] {
  return processes().filter((pid) => readProc(pid, 'environ').split('\0').includes(mark));
}

/** Network namespaces that a process is in, or that a mount keeps. */
function namespaces(): Set<string> {
  const inUse = processes().map(networkOf);
  const mounted = readFileSync('/proc/self/mountinfo', 'utf8').match(/net:\[\d+\]/g) ?? [];
  return new Set([...inUse, ...mounted].filter((each) => each !== undefined));
}

function networkOf(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined; // it has ended
  }
}

function readProc(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return ''; // it has ended
  }
}
