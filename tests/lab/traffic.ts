/** Traffic between hosts, and what was seen of it on the wire. */
import { join } from 'node:path';
import type { Host } from './host.ts';
import type { Lab } from './lab.ts';
import type { LabProcess } from './process.ts';
import { waitFor } from './wait.ts';

export interface PingOptions {
  readonly count?: number;
  /** ICMP payload bytes. Default 56. */
  readonly size?: number;
  readonly intervalSeconds?: number;
  /** How long to wait for each answer. Default 1 s. */
  readonly waitSeconds?: number;
  /** Forbids fragments. */
  readonly dontFragment?: boolean;
}

export interface PingResult {
  readonly sent: number;
  readonly received: number;
  /** Round-trip times in milliseconds, in the order the answers came. */
  readonly rttMs: readonly number[];
  readonly text: string;
}

/** Pings an address or name; no answer is a result, not an error. */
export async function ping(from: Host, to: string, options: PingOptions = {}): Promise<PingResult> {
  const { count = 1, size = 56, intervalSeconds = 0.2, waitSeconds = 1 } = options;
  const command = ['ping', '-n', '-c', `${count}`, '-s', `${size}`, '-i', `${intervalSeconds}`, '-W', `${waitSeconds}`];
  if (options.dontFragment) command.push('-M', 'do');
  const timeoutMs = 10_000 + count * (intervalSeconds + waitSeconds) * 1000;
  const { stdout, stderr } = await from.run([...command, to], { check: false, timeoutMs });
  const [, sent = 0, received = 0] = /(\d+) packets transmitted, (\d+) received/.exec(stdout) ?? [];
  const rttMs = [...stdout.matchAll(/time=([\d.]+) ms/g)].map((match) => Number(match[1]));
  return { sent: Number(sent), received: Number(received), rttMs, text: stdout + stderr };
}

/** Pings until an answer comes. @throws when none came by the deadline */
export async function waitForPing(from: Host, to: string, deadlineMs = 10_000): Promise<void> {
  let last = '';
  const answered = async (): Promise<boolean> => {
    const result = await ping(from, to);
    last = result.text;
    return result.received > 0;
  };
  await waitFor(`${to} to answer ${from.name}`, answered, deadlineMs, () => last);
}

export interface IperfOptions {
  readonly seconds?: number;
  /** Flows in parallel. Default 1. */
  readonly flows?: number;
  /** UDP at this rate, such as `100M`; TCP without it. */
  readonly udpRate?: string;
  /** Payload bytes of a UDP datagram, or of a TCP write. */
  readonly lengthBytes?: number;
  /** The server sends. */
  readonly reverse?: boolean;
}

export interface IperfResult {
  /** Received, bits a second. */
  readonly bitsPerSecond: number;
  /** TCP segments sent again. */
  readonly retransmits: number;
  /** UDP datagrams that did not arrive, percent. */
  readonly lostPercent: number;
  /** The whole answer of `iperf3 --json`. */
  // biome-ignore lint/suspicious/noExplicitAny: iperf3 defines it
  readonly json: any;
}

/** Runs iperf3 from one host to an address of another. */
export async function iperf3(from: Host, to: Host, address: string, options: IperfOptions = {}): Promise<IperfResult> {
  const { seconds = 2, flows = 1 } = options;
  const server = to.spawn(['iperf3', '--server', '--one-off', '--bind', address, '--forceflush']);
  try {
    await waitFor('iperf3 to listen', () => server.output().includes('Server listening'), 5000, server.output);
    const command = ['iperf3', '--json', '--client', address, '--time', `${seconds}`, '--parallel', `${flows}`];
    if (options.udpRate !== undefined) command.push('--udp', '--bitrate', options.udpRate);
    if (options.lengthBytes !== undefined) command.push('--length', `${options.lengthBytes}`);
    if (options.reverse) command.push('--reverse');
    const { stdout, stderr } = await from.run(command, { timeoutMs: seconds * 1000 + 20_000, check: false });
    const json = JSON.parse(stdout);
    if (json.error !== undefined) throw new Error(`iperf3: ${json.error} ${stderr}`);
    const { end } = json;
    const total = options.udpRate === undefined ? end.sum_received : end.sum;
    const lostPercent = end.sum?.lost_percent ?? 0;
    return {
      bitsPerSecond:
        options.udpRate === undefined ? total.bits_per_second : total.bits_per_second * (1 - lostPercent / 100),
      retransmits: end.sum_sent?.retransmits ?? 0,
      lostPercent,
      json,
    };
  } finally {
    await server.stop('SIGKILL');
  }
}

/** A capture that is running. */
export interface Capture {
  /** The pcap file, on this machine. */
  readonly file: string;
  /** Ends the capture and returns the file's path. */
  stop(): Promise<string>;
}

let captures = 0;

/** Captures what passes an interface of a host, into the lab's directory; it is recording when this returns. */
export async function capture(lab: Lab, host: Host, name: string, filter = ''): Promise<Capture> {
  captures += 1;
  const file = join(lab.directory, `${host.name}-${name}-${captures}.pcap`);
  const words = ['tcpdump', '-Z', 'root', '-U', '-n', '-s', '0', '-B', '8192', '-i', name, '-w', file];
  const tcpdump: LabProcess = host.spawn(filter === '' ? words : [...words, filter]);
  await waitFor('tcpdump to record', () => tcpdump.output().includes('listening on'), 5000, tcpdump.output);
  return {
    file,
    async stop() {
      await waitFor('tcpdump to have read all that came', () => hasReadAll(tcpdump), 20_000, tcpdump.output);
      await tcpdump.stop('SIGINT');
      return file;
    },
  };
}

/** Asks for its counts: at its end it leaves unread what still waits in the kernel. */
async function hasReadAll(tcpdump: LabProcess): Promise<boolean> {
  const counts = () => [
    ...tcpdump.output().matchAll(/(\d+) packets? captured, (\d+) packets? received by filter, (\d+) packets? dropped/g),
  ];
  const before = counts().length;
  await tcpdump.signal('SIGUSR1');
  await waitFor('its counts', () => counts().length > before, 2_000, tcpdump.output);
  const [, captured, received, dropped] = counts().at(-1)!.map(Number);
  return captured! >= received! - dropped!;
}
