import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const sources = fileURLToPath(new URL('.', import.meta.url));
const built = new Map<string, string>();
let directory: string | undefined;

/** A directory of this process, gone when it exits. */
export function scratchDirectory(): string {
  if (directory === undefined) {
    const created = mkdtempSync(join(tmpdir(), 'pcloud-interop-'));
    process.on('exit', () => rmSync(created, { recursive: true, force: true }));
    directory = created;
  }
  return directory;
}

/** The command line of `NAME.tool.ts`, bundled once so that it starts at Node's own speed. */
export function nodeTool(name: string): string[] {
  let path = built.get(name);
  if (path === undefined) {
    path = join(scratchDirectory(), `${name}.mjs`);
    const entry = join(sources, `${name}.tool.ts`);
    buildSync({
      entryPoints: [entry],
      outfile: path,
      bundle: true,
      platform: 'node',
      format: 'esm',
      conditions: ['source'],
    });
    built.set(name, path);
  }
  return [process.execPath, path];
}

/** The command line of `NAME.c`, compiled once. */
export function cTool(name: string): string[] {
  let path = built.get(name);
  if (path === undefined) {
    path = join(scratchDirectory(), name);
    execFileSync('cc', ['-O2', '-Wall', '-o', path, join(sources, `${name}.c`)], { stdio: 'inherit' });
    built.set(name, path);
  }
  return [path];
}
