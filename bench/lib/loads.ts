import { INNER, type Pair } from '../../tests/interop/lib/pair.ts';
import { waitFor } from '../../tests/lab/wait.ts';
import { quantile } from './numbers.ts';
import { cpuSeconds, residentMb } from './process-cost.ts';

/** Figures of one load, by metric. */
export type Figures = Readonly<Record<string, number>>;

/** A load on a pair. */
export interface Load {
  readonly name: string;
  run(pair: Pair, seconds: number): Promise<Figures>;
}

const to = INNER[4].right;

/** Starts what the loads need on the right. */
export async function prepare({ left, right }: Pair): Promise<void> {
  const server = right.host.spawn(['iperf3', '-s', '--forceflush']);
  await waitFor(
    'iperf3',
    () => server.output().includes('listening'),
    5000,
    () => server.output(),
  );
  await left.host.run(['ping', '-c', '3', '-i', '0.1', '-W', '5', to]);
}

interface Iperf {
  readonly end: {
    readonly sum_received?: { readonly bits_per_second: number };
    readonly sum?: { readonly packets: number; readonly lost_packets: number; readonly seconds: number };
  };
}

async function iperf({ left }: Pair, seconds: number, ...words: readonly string[]): Promise<Iperf> {
  const command = ['iperf3', '-J', '-c', to, '-t', `${seconds}`, ...words];
  const { stdout } = await left.host.run(command, { timeoutMs: (seconds + 20) * 1000 });
  return JSON.parse(stdout);
}

/** CPU seconds of both daemons so far. */
async function bothCpuSeconds({ left, right }: Pair): Promise<number> {
  return cpuSeconds(await left.process.pid()) + cpuSeconds(await right.process.pid());
}

async function pingTimes({ left }: Pair, count: number, intervalMs: number): Promise<number[]> {
  const words = ['ping', '-n', '-c', `${count}`, '-i', `${intervalMs / 1000}`, '-W', '2', to];
  const { stdout } = await left.host.run(words, { check: false, timeoutMs: 120_000 });
  return [...stdout.matchAll(/time=([\d.]+) ms/g)].map(([, ms]) => Number(ms));
}

async function tcp(pair: Pair, seconds: number, flows: number): Promise<{ gbps: number; cpuPerGigabit: number }> {
  const before = await bothCpuSeconds(pair);
  const { end } = await iperf(pair, seconds, '-P', `${flows}`);
  const gbps = end.sum_received!.bits_per_second / 1e9;
  return { gbps, cpuPerGigabit: ((await bothCpuSeconds(pair)) - before) / (gbps * seconds) };
}

function udp(bytes: number): Load {
  return {
    name: `udp${bytes}`,
    async run(pair, seconds) {
      const { end } = await iperf(pair, seconds, '-u', '-b', '0', '-l', `${bytes}`);
      const { packets, lost_packets: lost, seconds: took } = end.sum!;
      return { [`udp${bytes}PacketsPerSecond`]: (packets - lost) / took };
    },
  };
}

/** Every load, in the order they run. */
export const LOADS: readonly Load[] = [
  {
    name: 'idle',
    async run(pair) {
      const times = await pingTimes(pair, 100, 10);
      return { idlePingMs: quantile(times, 0.5), idlePingP99Ms: quantile(times, 0.99) };
    },
  },
  {
    name: 'tcp1',
    async run(pair, seconds) {
      const { gbps, cpuPerGigabit } = await tcp(pair, seconds, 1);
      return { tcp1Gbps: gbps, tcp1CpuSecondsPerGigabit: cpuPerGigabit };
    },
  },
  {
    name: 'tcp8',
    async run(pair, seconds) {
      const { gbps, cpuPerGigabit } = await tcp(pair, seconds, 8);
      return { tcp8Gbps: gbps, tcp8CpuSecondsPerGigabit: cpuPerGigabit };
    },
  },
  {
    name: 'loaded',
    async run(pair, seconds) {
      const flow = iperf(pair, seconds);
      const times = await pingTimes(pair, Math.floor(((seconds - 0.5) * 1000) / 10), 10);
      await flow;
      return { loadedPingMs: quantile(times, 0.5), loadedPingP99Ms: quantile(times, 0.99) };
    },
  },
  udp(64),
  udp(512),
  udp(1380),
  {
    name: 'memory',
    async run({ left, right }) {
      return { residentMb: Math.max(residentMb(await left.process.pid()), residentMb(await right.process.pid())) };
    },
  },
];

/** What each figure means, in the order of the table. */
export const METRICS: Readonly<Record<string, string>> = {
  tcp1Gbps: 'TCP, one flow, Gb/s',
  tcp8Gbps: 'TCP, eight flows, Gb/s',
  tcp1CpuSecondsPerGigabit: 'CPU-seconds a gigabit, one flow, both daemons',
  tcp8CpuSecondsPerGigabit: 'CPU-seconds a gigabit, eight flows, both daemons',
  udp64PacketsPerSecond: 'UDP 64 B, packets/s delivered',
  udp512PacketsPerSecond: 'UDP 512 B, packets/s delivered',
  udp1380PacketsPerSecond: 'UDP 1,380 B, packets/s delivered',
  idlePingMs: 'ping idle, p50, ms',
  idlePingP99Ms: 'ping idle, p99, ms',
  loadedPingMs: 'ping under one TCP flow, p50, ms',
  loadedPingP99Ms: 'ping under one TCP flow, p99, ms',
  residentMb: 'memory after the loads, MB',
};
