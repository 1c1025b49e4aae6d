import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ISOLATED = 'PCLOUD_TEST_ISOLATED';

/**
 * Runs the rest of a test file in an empty network namespace, which goes with the process: a file calls this
 * first, and is started anew. Nothing the tests do to links, addresses or routes reaches the machine's own.
 * Where namespaces cannot be made (root is needed) the file fails with what the kernel said.
 * @param options with `refusals`, what `refusing` names fails in the addon as in an older kernel
 */
export function isolate(options: { readonly refusals?: boolean } = {}): void {
  if (process.env[ISOLATED] === '1') return;
  const directory = mkdtempSync(join(tmpdir(), 'pcloud-native-'));
  const env: NodeJS.ProcessEnv = { ...process.env, [ISOLATED]: '1' };
  if (options.refusals) env.LD_PRELOAD = [process.env.LD_PRELOAD ?? '', buildRefusals(directory)].join(' ').trim();
  const argv = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const result = spawnSync('unshare', ['--net', '--', ...argv], { stdio: 'inherit', env });
  rmSync(directory, { recursive: true });
  if (result.error) console.error(`a network namespace is needed, and root to make one: ${result.error.message}`);
  process.exit(result.status ?? 1);
}

/** Has a system call of the addon refused while `use` runs. @param what as in refuse.c, `sendmsg 5` for instance */
export async function refusing(what: string, use: () => unknown): Promise<void> {
  process.env.PCLOUD_TEST_REFUSE = what;
  try {
    await use();
  } finally {
    delete process.env.PCLOUD_TEST_REFUSE;
  }
}

function buildRefusals(directory: string): string {
  const library = join(directory, 'refuse.so');
  const source = join(import.meta.dirname, 'refuse.c');
  const result = spawnSync('cc', ['-shared', '-fPIC', '-D_GNU_SOURCE', '-o', library, source, '-ldl'], {
    encoding: 'utf8',
  });
  if (result.status === 0) return library;
  console.error(`a C compiler is needed: ${result.error?.message ?? result.stderr}`);
  return process.exit(1);
}
