/** Runs lint, types and every test file, each in a process of its own; `scripts/test` calls it. */
import { randomInt } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { composeReport } from './runner/report.ts';
import { killAll, type Outcome, runTask } from './runner/run-file.ts';
import { listSuites, type Suite } from './runner/suites.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const NODE_PACKAGE = `node-linux-${process.arch}`;

const HELP = `usage: scripts/test [--full] [--only TEXT] [--seed N]

  --full       every cell of every matrix, each file on every Node; writes docs/test-report.md
  --only TEXT  only files whose path holds TEXT (and lint or types, by name)
  --seed N     draws the same sample again
`;

await main();

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      full: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      seed: { type: 'string', default: `${randomInt(2 ** 31)}` },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return void process.stdout.write(HELP);
  const seed = Number(values.seed);
  if (!Number.isSafeInteger(seed) || seed < 0) fail(`--seed: expected a whole number, got "${values.seed}"`);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => interrupted(signal));

  const suites = listSuites({ root: ROOT, full: values.full, seed, only: values.only, otherNodes: otherNodes() });
  if (suites.length === 0) fail(`--only ${values.only}: no test file has that in its path`);
  console.log(`seed ${seed}${values.full ? ', full' : ''}, Node ${process.version}`);

  const rows = mkdtempSync(join(tmpdir(), 'pcloud-report-'));
  if (values.full) process.env.PCLOUD_TEST_REPORT_DIR = rows;
  const outcomes: Outcome[] = [];
  for (const suite of suites) {
    console.log(`\n${suite.name}`);
    outcomes.push(...(await runSuite(suite)));
  }
  if (values.full && values.only === '') writeReport(outcomes, rows, seed);
  rmSync(rows, { recursive: true, force: true });
  conclude(outcomes);
}

async function runSuite(suite: Suite): Promise<Outcome[]> {
  const waiting = [...suite.tasks];
  const outcomes: Outcome[] = [];
  async function lane(): Promise<void> {
    for (let task = waiting.shift(); task !== undefined; task = waiting.shift()) {
      const outcome = await runTask(task, ROOT);
      outcomes.push(outcome);
      printOutcome(outcome);
    }
  }
  await Promise.all(Array.from({ length: suite.parallel }, lane));
  return outcomes;
}

function printOutcome({ name, passed, failed, seconds, complaint, output }: Outcome): void {
  const took = `${seconds.toFixed(1)} s`.padStart(8);
  if (failed === 0) console.log(`  ok   ${took}  ${String(passed).padStart(4)}  ${name}`);
  else console.log(`  FAIL ${took}  ${String(passed).padStart(4)}  ${name}: ${complaint}\n${indent(output)}`);
}

function conclude(outcomes: readonly Outcome[]): void {
  const failures = outcomes.filter(({ failed }) => failed > 0);
  if (failures.length > 0)
    console.log(`\nfailed:\n${failures.map((each) => `  ${each.name}: ${each.complaint}`).join('\n')}`);
  const passed = outcomes.reduce((sum, each) => sum + each.passed, 0);
  const failed = outcomes.reduce((sum, each) => sum + each.failed, 0);
  console.log(`\n${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

function writeReport(outcomes: readonly Outcome[], rows: string, seed: number): void {
  const osRelease = /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'unknown';
  const machine = {
    System: `${osRelease}, Linux ${release().split('-')[0]}`,
    Processor: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
    Node: [process.version, ...otherNodes().keys()].join(', '),
  };
  writeFileSync(join(ROOT, 'docs/test-report.md'), composeReport(outcomes, rows, { seed, when: new Date(), machine }));
}

/** The Nodes that `scripts/test` put into `.cache`, besides the one that runs this. */
function otherNodes(): Map<number, string> {
  const running = Number(process.versions.node.split('.')[0]);
  const others = [20, 22, 24].filter((major) => major !== running);
  return new Map(
    others.map((major) => {
      const program = join(ROOT, `.cache/node-${major}/node_modules/${NODE_PACKAGE}/bin/node`);
      if (!existsSync(program)) fail(`Node ${major} is missing: scripts/test installs it into .cache/node-${major}`);
      return [major, program];
    }),
  );
}

function interrupted(signal: NodeJS.Signals): void {
  killAll();
  console.log(`\nended by ${signal}`);
  process.exit(130);
}

function fail(message: string): never {
  console.error(`test: ${message}`);
  process.exit(2);
}

function indent(text: string): string {
  return text.replace(/^/gm, '       ');
}
