/** What helps whoever looks for a fault, without a secret in it. */
import { execFileSync } from 'node:child_process';
import { closeSync, fstatSync, lstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { cpus, release, totalmem, uptime } from 'node:os';
import { join } from 'node:path';
import type { Settings } from '../settings/read.ts';
import { VERSION } from '../version.ts';
import { assertNoSecrets, readSecrets } from './secrets.ts';
import type { TarFile } from './tar.ts';

/** Files of the state directory that hold nothing secret. */
const OPEN_FILES = ['membership.json', 'map.json', 'seen.json'];
const LOG_TAIL_BYTES = 1_048_576;
const COMMANDS = {
  'ip-address.txt': ['ip', 'address'],
  'ip-route.txt': ['ip', 'route', 'show', 'table', 'all'],
  'ip-rule.txt': ['ip', 'rule'],
} as const;

/** @throws CliError when a secret got into it, which is a fault of ours */
export async function collectBundle(settings: Settings): Promise<TarFile[]> {
  const { stateDir, runtimeDir } = settings;
  const files: [name: string, content: string | Uint8Array | undefined][] = [
    ['machine.json', toJson(describeMachine())],
    ['settings.json', toJson({ ...settings, network: undefined })],
    ['status.json', await readStatus(runtimeDir)],
    ['files.txt', [stateDir, runtimeDir].map(listFiles).join('\n')],
    ...OPEN_FILES.map(
      (name) => [`state/${name}`, readIfThere(join(stateDir, name))] as [string, Uint8Array | undefined],
    ),
    ['daemon.log', readTail(join(runtimeDir, 'daemon.log'))],
    ['daemon.log.1', readTail(join(runtimeDir, 'daemon.log.1'))],
    ['resolv.conf', readIfThere('/etc/resolv.conf')],
    ...Object.entries(COMMANDS).map(([name, words]) => [name, runCommand(words)] as [string, string]),
  ];
  const found = files.flatMap(([name, content]) =>
    content === undefined ? [] : [{ name: `pcloud-debug/${name}`, content: Buffer.from(content) }],
  );
  assertNoSecrets(found, readSecrets(stateDir));
  return found;
}

function describeMachine(): unknown {
  return {
    pcloud: VERSION,
    node: process.version,
    platform: `${process.platform} ${process.arch} ${release()}`,
    cores: cpus().length,
    memoryBytes: totalmem(),
    uptimeSeconds: uptime(),
    takenAt: new Date().toISOString(),
  };
}

async function readStatus(runtimeDir: string): Promise<string> {
  const { askDaemon } = await import('@pcloud/daemon');
  try {
    return toJson(await askDaemon(runtimeDir, { method: 'GET', path: '/status' }));
  } catch (error) {
    return toJson({ error: (error as Error).message });
  }
}

/** Names, sizes, modes and ages; no content. */
function listFiles(directory: string): string {
  const lines: string[] = [`${directory}:`];
  try {
    for (const name of readdirSync(directory, { recursive: true }) as string[]) {
      // A lock is a link that leads nowhere.
      const { mode, size, mtime } = lstatSync(join(directory, name));
      lines.push(`${mode.toString(8)} ${size} ${mtime.toISOString()} ${name}`);
    }
  } catch (error) {
    lines.push((error as NodeJS.ErrnoException).code ?? 'unknown');
  }
  return `${lines.join('\n')}\n`;
}

function readIfThere(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

function readTail(path: string): Uint8Array | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    const { size } = fstatSync(file);
    const bytes = Buffer.alloc(Math.min(size, LOG_TAIL_BYTES));
    return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, size - bytes.length));
  } finally {
    closeSync(file);
  }
}

function runCommand([program, ...args]: readonly [string, ...string[]]): string {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 5_000 });
  } catch (error) {
    return `${(error as Error).message}\n`;
  }
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
