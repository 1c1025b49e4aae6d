/** Runs the project's scripts as a newcomer does: through a link, from a directory of their own. */
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { background } from '../../lab/process.ts';

export type ScriptName = 'start' | 'demo' | 'install';

export const SCRIPT_LIMIT_MS = 120_000;

export function scriptPath(name: ScriptName): string {
  return fileURLToPath(new URL(`../../../scripts/${name}`, import.meta.url));
}

/** Gives a test a directory that is neither the repository nor in it, with a link `begin` to the script. */
export function withScript(name: ScriptName, act: (directory: string, link: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), `pcloud-${name}-`));
  const link = join(directory, 'begin');
  symlinkSync(scriptPath(name), link);
  return act(directory, link).finally(() => rmSync(directory, { recursive: true, force: true }));
}

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly output: string;
}

/** Runs a line in a directory, with temporary files there, to its end. */
export async function finishLine(
  directory: string,
  line: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Finished> {
  const process = background([], ['/bin/sh', '-c', `cd "${directory}" && exec ${line}`], {
    env: { TMPDIR: directory, ...env },
  });
  const timer = setTimeout(() => void process.stop('SIGKILL'), SCRIPT_LIMIT_MS);
  const { code } = await process.exited;
  clearTimeout(timer);
  return { code, stdout: process.stdout(), output: process.output() };
}
