/**
 * Runs every bench of the tunnel and of the network, and writes `bench/RESULTS.md`; `scripts/bench` calls it.
 *
 *     scripts/bench [--rounds N]    rounds of the long one; the default is 7
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Machine } from './lib/machine.ts';

interface Outcome {
  readonly machine: Machine;
  readonly rounds: number;
  readonly seconds?: number;
  readonly table: string;
}

const directory = mkdtempSync(join(tmpdir(), 'pcloud-bench-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));

async function run(name: string, ...words: readonly string[]): Promise<Outcome> {
  const json = join(directory, `${name}.json`);
  const script = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
  const argv = ['-C', 'source', '--import', 'tsx', script, '--json', json, ...words];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  let table = '';
  child.stdout.on('data', (chunk) => {
    table += chunk;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`${name} ended with code ${code}`);
  process.stdout.write(`${table}\n`);
  return { ...JSON.parse(readFileSync(json, 'utf8')), table: table.trimEnd() };
}

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '7' } } });
const throughput = await run('throughput', '--rounds', values.rounds);
const startup = await run('startup');
const peers = await run('peers');
const idle = await run('idle');
const scale = await run('scale');

const { machine } = throughput;
const versions = new Set([...Object.values(machine.versions)]);
const goal = fileURLToPath(new URL('RESULTS.md', import.meta.url));
writeFileSync(
  goal,
  `# Results

Written by \`scripts/bench\` on ${machine.date.slice(0, 10)}, on ${machine.cores} cores of ${machine.processor}, ${machine.memoryGb} GB, Linux ${machine.kernel}, Node ${machine.node} with OpenSSL ${machine.openssl}: ${[...versions].join(', ')}.

## Throughput

Between two network namespaces of this machine, so that both ends share its cores; MTU 1420; medians of ${throughput.rounds} rounds in alternation, ${throughput.seconds} s a load. In brackets the ratio to wireguard-go, the median of each round's own; for milliseconds, CPU and memory less is better.

${throughput.table}

## Start

Medians of ${startup.rounds} cold starts.

${startup.table}

## Idle peers

Medians of ${peers.rounds} rounds; in brackets the ratio to wireguard-go.

${peers.table}

## Idle network, and joining

On ${idle.machine.date.slice(0, 10)}, on ${idle.machine.cores} cores of ${idle.machine.processor}, Node ${idle.machine.node}. A seed and two clients, each a host of its own in network namespaces; over ${idle.seconds} s after as long a rest. Medians of ${idle.rounds} networks made anew and joined.

${idle.table}

## Many nodes

On ${scale.machine.date.slice(0, 10)}, on ${scale.machine.cores} cores of ${scale.machine.processor}, Node ${scale.machine.node}. One coordinator in a process of its own, and nodes on real WebSockets with TLS in two more, which share the cores with it; medians and quantiles over ${scale.rounds} changes, each the new name of a node. In \`households\` the policy of a fresh network holds and each user has 20 devices; in \`open\` everybody sees everybody.

${scale.table}
`,
);
execFileSync(fileURLToPath(new URL('../node_modules/.bin/biome', import.meta.url)), ['format', '--write', goal]);
