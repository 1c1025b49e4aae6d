/** What there is to run, in order. */
import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Task } from './run-file.ts';

/** Tasks that may run side by side up to `parallel`. */
export interface Suite {
  readonly name: string;
  readonly parallel: number;
  readonly tasks: readonly Task[];
}

export interface SuiteOptions {
  readonly root: string;
  readonly full: boolean;
  readonly seed: number;
  /** Only tasks whose name holds this. */
  readonly only: string;
  /** Other versions of Node: major version to the program. */
  readonly otherNodes: ReadonlyMap<number, string>;
}

/** A full run walks every matrix to its end. */
const FULL_FACTOR = 12;

export function listSuites(options: SuiteOptions): Suite[] {
  const { root, full, seed, only } = options;
  const slow = full ? FULL_FACTOR : 1;
  const env = { PCLOUD_TEST_SEED: `${seed}`, PCLOUD_TEST_FULL: full ? '1' : '0' };
  const suite = (name: string, parallel: number, limitSeconds: number, files: readonly string[]): Suite => ({
    name,
    parallel,
    tasks: files.map((file) => testFile(file, process.execPath, limitSeconds * slow, env)),
  });

  const packages = subdirectories(join(root, 'packages')).flatMap((name) => testFiles(root, `packages/${name}/tests`));
  const native = testFiles(root, 'native/tests');
  const suites: Suite[] = [
    { name: 'lint and types', parallel: 1, tasks: [lint(root), types(root)] },
    suite('unit', 2, 180, [...packages, ...testFiles(root, 'scripts/tests')]),
    suite('native', 1, 180, native),
    suite('model', 2, 300, testFiles(root, 'tests/model')),
    otherNodes(options, packages, native, env),
    suite('interop', 1, 900, testFiles(root, 'tests/interop')),
    suite('end to end', 2, 600, [
      ...testFiles(root, 'tests/lab'),
      ...testFiles(root, 'tests/e2e'),
      ...testFiles(root, 'tests/security'),
    ]),
  ];
  return suites
    .map((each) => ({ ...each, tasks: each.tasks.filter((task) => task.name.includes(only)) }))
    .filter((each) => each.tasks.length > 0);
}

/** Unit and native tests on the other Nodes: each file on each of them, or in a sampled run on one drawn by the seed. */
function otherNodes(
  options: SuiteOptions,
  packages: readonly string[],
  native: readonly string[],
  env: Readonly<Record<string, string>>,
): Suite {
  const versions = [...options.otherNodes];
  const tasks = [...packages, ...native].flatMap((file, index) => {
    const chosen = options.full ? versions : versions.slice((options.seed + index) % versions.length).slice(0, 1);
    return chosen.map(([major, program]) => ({
      ...testFile(file, program, 300, env),
      name: `${file} on Node ${major}`,
    }));
  });
  return { name: `Node ${versions.map(([major]) => major).join(' and ')}`, parallel: 1, tasks };
}

function testFile(file: string, node: string, limitSeconds: number, env: Readonly<Record<string, string>>): Task {
  return { name: file, argv: [node, '-C', 'source', '--import', 'tsx', file], env, counts: 'uvu', limitSeconds };
}

function lint(root: string): Task {
  const argv = [
    process.execPath,
    join(root, 'node_modules/@biomejs/biome/bin/biome'),
    'check',
    '--error-on-warnings',
    '.',
  ];
  return { name: 'lint', argv, counts: 'exit', limitSeconds: 120 };
}

function types(root: string): Task {
  const argv = [process.execPath, join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.json'];
  return { name: 'types', argv, counts: 'exit', limitSeconds: 300 };
}

function subdirectories(directory: string): string[] {
  const entries = readdirSync(directory, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

function testFiles(root: string, directory: string): string[] {
  const absolute = join(root, directory);
  if (!existsSync(absolute)) return [];
  const entries = readdirSync(absolute, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.test.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort();
}
