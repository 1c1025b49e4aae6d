/**
 * What does one coordinator bear?
 *
 *     node -C source --import tsx bench/scale.ts [--rounds 30] [--metrics households-200,…] [--json FILE]
 *
 * A real coordinator, and nodes on real WebSockets with TLS that share this machine's cores with it. In `households`
 * the policy of a fresh network holds, and each user has 20 devices, so that a change concerns as many however many
 * nodes there are; in `open` everybody sees everybody, and each change concerns all. What one machine has no room for
 * with sockets is measured in one process, coordinator and nodes together.
 */
import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DEFAULT_POLICY } from '@pcloud/netmap';
import { sleep } from '../tests/lab/wait.ts';
import { describeMachine, type Machine } from './lib/machine.ts';
import { quantile, short, table } from './lib/numbers.ts';
import { readOptions, report } from './lib/options.ts';
import { cpuNanoseconds, residentMb } from './lib/process-cost.ts';
import type { InProcess } from './lib/scale-in-process.ts';
import { createScaleNetwork, nowMs, type ScaleNetwork } from './lib/scale-network.ts';

interface Scale {
  readonly nodes: number;
  /** Others who see a node. */
  readonly concerned: number;
  readonly joinsPerSecond: number;
  readonly changeP50Ms: number;
  readonly changeP99Ms: number;
  /** CPU of the coordinator, and what one that is concerned is sent. */
  readonly changeCpuMs: number;
  readonly changeBytes: number;
  readonly memoryMb: number;
  readonly memoryKbANode: number;
  readonly reconnectMs: number;
  readonly reconnectPeakMb: number;
}

/** What `--json` has. */
export interface ScaleResult {
  readonly machine: Machine;
  readonly rounds: number;
  readonly scales: Readonly<Record<string, Scale>>;
  readonly inProcess: readonly InProcess[];
}

const DEVICES = 20;
const SETTLE_MS = 3_000;
/** As long as a connection is asked whether it is there. */
const IDLE_MS = 15_000;
const BETWEEN_MS = 200;

async function measure(kind: 'households' | 'open', nodes: number, rounds: number): Promise<Scale> {
  const network = await createScaleNetwork();
  try {
    const isOpen = kind === 'open';
    const links = await createLinks(network, isOpen ? 1 : nodes / DEVICES);
    if (!isOpen) await network.ask('policy.set', { text: DEFAULT_POLICY });
    const emptyMb = residentMb(network.pid);
    const joiningAt = nowMs();
    await network.join(links, nodes / links.length);
    const joinsPerSecond = nodes / ((nowMs() - joiningAt) / 1_000);
    await sleep(SETTLE_MS);
    const memoryMb = residentMb(network.pid);
    const concerned = isOpen ? nodes - 1 : DEVICES - 1;
    const changes = await measureChanges(network, concerned, rounds);
    await sleep(SETTLE_MS);
    const reconnectMs = await network.restart();
    return {
      nodes,
      concerned,
      joinsPerSecond,
      ...changes,
      memoryMb,
      memoryKbANode: ((memoryMb - emptyMb) * 1_024) / nodes,
      reconnectMs,
      reconnectPeakMb: peakMb(network.pid),
    };
  } finally {
    await network.close();
  }
}

async function measureChanges(
  network: ScaleNetwork,
  concerned: number,
  rounds: number,
): Promise<Pick<Scale, 'changeP50Ms' | 'changeP99Ms' | 'changeCpuMs' | 'changeBytes'>> {
  let name = 'node-x0';
  const change = async (number: number): Promise<number[]> => {
    const times = await network.rename(name, `change-${number}`, concerned);
    name = `change-${number}`;
    return times;
  };
  // What is compiled while it runs counts for nothing.
  for (let number = 0; number < 5; number++) await change(number);
  await sleep(SETTLE_MS);
  await network.takeBytes();
  const idle = await measureIdle(network.pid);
  const startedAt = nowMs();
  const cpu = cpuNanoseconds(network.pid);
  const times: number[] = [];
  for (let number = 0; number < rounds; number++) {
    times.push(...(await change(5 + number)));
    // One that follows at once is gathered with others: the next is alone again.
    await sleep(BETWEEN_MS);
  }
  const usedMs = (cpuNanoseconds(network.pid) - cpu) / 1e6 - idle * (nowMs() - startedAt);
  return {
    changeP50Ms: quantile(times, 0.5),
    changeP99Ms: quantile(times, 0.99),
    changeCpuMs: usedMs / rounds,
    changeBytes: (await network.takeBytes()) / rounds / concerned,
  };
}

/** A link for each of so many users. */
async function createLinks(network: ScaleNetwork, users: number): Promise<string[]> {
  const links: string[] = [];
  for (let number = 0; number < users; number++) {
    const user = `user-${number}`;
    await network.ask('users.add', { name: user, role: number === 0 ? 'owner' : 'member', password: 'correct horse' });
    const { link } = (await network.ask('invites.create', { user, reusable: true })) as { link: string };
    links.push(link);
  }
  return links;
}

/** CPU milliseconds a millisecond that the connections cost by themselves: each is asked now and then. */
async function measureIdle(pid: number): Promise<number> {
  const startedAt = nowMs();
  const cpu = cpuNanoseconds(pid);
  await sleep(IDLE_MS);
  return (cpuNanoseconds(pid) - cpu) / 1e6 / (nowMs() - startedAt);
}

function peakMb(pid: number): number {
  return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

function measureInProcess(nodes: number, rounds: number): Promise<InProcess> {
  const path = fileURLToPath(new URL('lib/scale-in-process.ts', import.meta.url));
  const child = fork(path, [String(nodes), String(rounds)], { execArgv: ['-C', 'source', '--import', 'tsx'] });
  return new Promise((resolve, reject) => {
    child.once('message', (result) => resolve(result as InProcess));
    child.once('exit', (code) => reject(new Error(`the process with ${nodes} nodes ended with code ${code}`)));
  });
}

const options = readOptions({ rounds: 30, seconds: 0 });
const isWanted = (name: string): boolean => options.metrics.length === 0 || options.metrics.includes(name);
const scales: Record<string, Scale> = {};
for (const kind of ['households', 'open'] as const) {
  for (const nodes of [200, 2_000]) {
    if (!isWanted(`${kind}-${nodes}`)) continue;
    scales[`${kind}, ${nodes.toLocaleString('en')}`] = await measure(kind, nodes, options.rounds);
  }
}
const inProcess: InProcess[] = [];
for (const nodes of [1_000, 10_000]) {
  if (isWanted(`process-${nodes}`)) inProcess.push(await measureInProcess(nodes, options.rounds));
}
const result: ScaleResult = { machine: describeMachine([]), rounds: options.rounds, scales, inProcess };
report(options, result, formatScale(result));

function formatScale({ scales, inProcess }: ScaleResult): string {
  const row = (label: string, what: keyof Scale): string[] => [
    label,
    ...Object.values(scales).map((each) => short(each[what])),
  ];
  const rowInProcess = (label: string, what: keyof InProcess): string[] => [
    label,
    ...inProcess.map((each) => short(each[what])),
  ];
  return [
    table([
      ['WebSockets', ...Object.keys(scales)],
      row('others who see a node', 'concerned'),
      row('joins a second', 'joinsPerSecond'),
      row('a change until they know, p50, ms', 'changeP50Ms'),
      row('the same, p99, ms', 'changeP99Ms'),
      row('a change, CPU of the coordinator, ms', 'changeCpuMs'),
      row('a change, bytes to each of them', 'changeBytes'),
      row('memory of the coordinator (RSS), MB', 'memoryMb'),
      row('the same, a node, kB', 'memoryKbANode'),
      row('all back after a restart, ms', 'reconnectMs'),
      row('the same, peak of memory, MB', 'reconnectPeakMb'),
    ]),
    '',
    table([
      ['one process, households', ...inProcess.map(({ nodes }) => nodes.toLocaleString('en'))],
      rowInProcess('joins a second, both ends', 'joinsPerSecond'),
      rowInProcess('a change until they know, p50, ms', 'changeP50Ms'),
      rowInProcess('the same, p99, ms', 'changeP99Ms'),
      rowInProcess('a change, CPU of both ends, ms', 'changeCpuMs'),
      rowInProcess('memory a node, both ends, kB', 'memoryKbANode'),
    ]),
  ].join('\n');
}
