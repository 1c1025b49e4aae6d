/** A PATH of links to chosen programs, for a machine that lacks the others. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Fills a new directory.
 * @param programs linked to where this machine has them
 * @param scripts by name, what stands in for a program
 * @returns the directory
 */
export function createBarePath(
  directory: string,
  programs: readonly string[],
  scripts: Readonly<Record<string, string>> = {},
): string {
  mkdirSync(directory);
  for (const program of programs) {
    const found = execFileSync('/bin/sh', ['-c', 'command -v "$0"', program], { encoding: 'utf8' }).trim();
    symlinkSync(found, join(directory, program));
  }
  for (const [name, text] of Object.entries(scripts)) {
    writeFileSync(join(directory, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }
  return directory;
}
