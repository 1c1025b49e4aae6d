import { spawnSync } from 'node:child_process';

const ISOLATED = 'PCLOUD_TEST_ISOLATED';

/**
 * Runs the rest of a test file in an empty network namespace, which goes with the process: a file calls this
 * first, and is started anew. Nothing the tests do to links, addresses or routes reaches the machine's own.
 * Where namespaces cannot be made (root is needed) the file fails with what the kernel said.
 */
export function isolate(): void {
  if (process.env[ISOLATED] === '1') return;
  const argv = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const result = spawnSync('unshare', ['--net', '--', ...argv], {
    stdio: 'inherit',
    env: { ...process.env, [ISOLATED]: '1' },
  });
  if (result.error) console.error(`a network namespace is needed, and root to make one: ${result.error.message}`);
  process.exit(result.status ?? 1);
}
