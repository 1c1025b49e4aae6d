/**
 * What does a network cost that has nothing to do, and how long until a machine is in it?
 *
 *     node -C source --import tsx bench/idle.ts [--rounds 5] [--seconds 60] [--json FILE]
 *
 * Idle: a seed and two clients, each a host of its own, after as many seconds of settling as are then measured;
 * beside them a tailscaled where one is found, which belongs to no network and so has less to do.
 * Joining: in each round a network is made anew, and one client joins it.
 */
import { createMeshNetwork, type MeshNetwork, PCLOUD, startSeed, up } from '../tests/e2e/lib/network.ts';
import type { Host, LabProcess } from '../tests/lab/index.ts';
import { sleep, waitFor } from '../tests/lab/wait.ts';
import type { Contestant } from './lib/contestants.ts';
import { describeMachine, type Machine } from './lib/machine.ts';
import { median, short, table } from './lib/numbers.ts';
import { readOptions, report } from './lib/options.ts';
import { cpuNanoseconds, proportionalMb, residentMb, wakeUps } from './lib/process-cost.ts';
import { findTailscaled } from './lib/tailscaled.ts';

interface Idle {
  readonly residentMb: number;
  /** Pages that others share count by their share. */
  readonly proportionalMb: number;
  /** CPU milliseconds, and times a thread woke up. */
  readonly cpuMsPerMinute: number;
  readonly wakeUpsPerSecond: number;
}

interface Joining {
  readonly seedReadyMs: number;
  readonly upReturnsMs: number;
  /** From the start of `up`. */
  readonly firstPingMs: number;
}

/** What `--json` has. */
export interface IdleResult {
  readonly machine: Machine;
  readonly rounds: number;
  readonly seconds: number;
  readonly idle: Readonly<Record<string, Idle>>;
  readonly joining: readonly Joining[];
}

const SEED = 'pcloud seed';
const DAEMON = 'pcloud daemon';
const TAILSCALED = 'tailscaled';

/** A client's daemon in the foreground, in the network. */
async function startDaemon(host: Host, link: string): Promise<LabProcess> {
  const daemon = host.spawn([PCLOUD, 'daemon']);
  const answers = async (): Promise<boolean> => (await host.run([PCLOUD, 'status'], { check: false })).code === 0;
  await waitFor('the daemon', answers, 10_000, daemon.output);
  await up(host, link);
  return daemon;
}

async function startTailscaled(host: Host, program: string): Promise<LabProcess> {
  const socket = '/run/tailscaled.sock';
  const flags = ['--statedir', '/run/tailscale', '--socket', socket, '--tun', 'tailscale0', '--no-logs-no-support'];
  const process = host.spawn([program, ...flags]);
  await waitFor(
    'tailscaled',
    () => host.run(['test', '-S', socket], { check: false }).then(({ code }) => code === 0),
    10_000,
    process.output,
  );
  return process;
}

async function measure(pid: number, seconds: number): Promise<Idle> {
  const before = { cpu: cpuNanoseconds(pid), wakeUps: wakeUps(pid), at: performance.now() };
  await sleep(seconds * 1_000);
  const passedMs = performance.now() - before.at;
  return {
    residentMb: residentMb(pid),
    proportionalMb: proportionalMb(pid),
    cpuMsPerMinute: ((cpuNanoseconds(pid) - before.cpu) / 1e6 / passedMs) * 60_000,
    wakeUpsPerSecond: ((wakeUps(pid) - before.wakeUps) / passedMs) * 1_000,
  };
}

async function measureIdle(seconds: number): Promise<Record<string, Idle>> {
  const network = await createMeshNetwork();
  try {
    const { process: seed } = await startSeed(network);
    const [first, second] = network.clients;
    const link = await reusableLink(network);
    const daemon = await startDaemon(first!, link);
    await startDaemon(second!, link);
    const processes: Record<string, LabProcess> = { [SEED]: seed, [DAEMON]: daemon };
    if (tailscaled !== undefined) {
      processes[TAILSCALED] = await startTailscaled(await network.lab.host('third'), tailscaled);
    }
    await sleep(seconds * 1_000);
    const measured = Object.entries(processes).map(async ([name, process]) => [
      name,
      await measure(await process.pid(), seconds),
    ]);
    return Object.fromEntries(await Promise.all(measured));
  } finally {
    await network.lab.close();
  }
}

async function reusableLink({ seed }: MeshNetwork): Promise<string> {
  const { stdout } = await seed.run([PCLOUD, 'invite', '--reusable', '--json']);
  return (JSON.parse(stdout) as { link: string }).link;
}

async function measureJoining(): Promise<Joining> {
  const network = await createMeshNetwork();
  try {
    const startedAt = performance.now();
    const { ready } = await startSeed(network);
    const seedReadyMs = performance.now() - startedAt;
    const [client] = network.clients;
    const ping = client!.spawn('until ping -n -c 1 -W 0.2 10.0.0.1; do sleep 0.01; done');
    const joiningAt = performance.now();
    const answered = ping.exited.then(() => performance.now() - joiningAt);
    await up(client!, ready.joinLink);
    const upReturnsMs = performance.now() - joiningAt;
    return { seedReadyMs, upReturnsMs, firstPingMs: await answered };
  } finally {
    await network.lab.close();
  }
}

const options = readOptions({ rounds: 5, seconds: 60 });
const tailscaled = findTailscaled();
const contestants: Contestant[] = [{ name: 'pcloud', implementation: contestantOf('pcloud', PCLOUD) }];
if (tailscaled !== undefined) {
  contestants.push({ name: TAILSCALED, implementation: contestantOf(TAILSCALED, tailscaled) });
}
const joining: Joining[] = [];
for (let round = 0; round < options.rounds; round++) joining.push(await measureJoining());
const idle = await measureIdle(options.seconds);
const { rounds, seconds } = options;
const result: IdleResult = { machine: describeMachine(contestants), rounds, seconds, idle, joining };
report(options, result, formatIdle(result));

function contestantOf(name: string, program: string): Contestant['implementation'] {
  return { name, command: [program], isOurs: program === PCLOUD };
}

function formatIdle({ idle, joining, machine }: IdleResult): string {
  const names = Object.keys(idle);
  const row = (label: string, what: keyof Idle): string[] => [label, ...names.map((name) => short(idle[name]![what]))];
  const middle = (label: string, what: keyof Joining): string[] => [
    label,
    short(median(joining.map((each) => each[what]))),
  ];
  const beside =
    tailscaled === undefined
      ? 'tailscaled is not installed here.'
      : `tailscaled ${machine.versions[TAILSCALED]!.split('-')[0]} belongs to no network: it is not logged in, and has a TUN all the same.`;
  return [
    table([
      ['idle', ...names],
      row('memory (RSS), MB', 'residentMb'),
      row('memory (PSS), MB', 'proportionalMb'),
      row('CPU, ms a minute', 'cpuMsPerMinute'),
      row('wake-ups a second', 'wakeUpsPerSecond'),
    ]),
    '',
    beside,
    '',
    table([
      ['joining', 'ms'],
      middle('`pcloud seed` until it is ready', 'seedReadyMs'),
      middle('`pcloud up LINK` until it returns, its daemon included', 'upReturnsMs'),
      middle('`pcloud up LINK` until the first ping answers', 'firstPingMs'),
    ]),
  ].join('\n');
}
