import * as assert from 'uvu/assert';
import type { Host } from '../../lab/host.ts';
import type { LabProcess } from '../../lab/process.ts';
import { waitFor } from '../../lab/wait.ts';
import { nodeTool } from './tools.ts';

export interface PingOptions {
  /** Default 1. */
  readonly count?: number;
  /** Default 10 ms. */
  readonly intervalMs?: number;
  /** Payload bytes. Default 56. */
  readonly size?: number;
  /** How long to wait for the last answer, seconds. Default 2. */
  readonly waitSeconds?: number;
  /** More words for `ping`. */
  readonly more?: readonly string[];
}

export interface PingResult {
  readonly sent: number;
  readonly received: number;
  readonly output: string;
}

function pingCommand(address: string, options: PingOptions): string[] {
  const { count = 1, intervalMs = 10, size = 56, waitSeconds = 2, more = [] } = options;
  const words = ['-n', '-c', `${count}`, '-i', `${intervalMs / 1000}`, '-s', `${size}`, '-W', `${waitSeconds}`];
  return ['ping', ...words, ...more, address];
}

/** Pings, and tells how many were answered. */
export async function ping(from: Host, address: string, options: PingOptions = {}): Promise<PingResult> {
  const { stdout, stderr } = await from.run(pingCommand(address, options), { check: false, timeoutMs: 300_000 });
  return readPing(stdout + stderr);
}

/** The result in what `ping` printed. */
export function readPing(output: string): PingResult {
  const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(output) ?? [];
  return { sent: Number(sent ?? 0), received: Number(received ?? 0), output };
}

/** Pings in the background until it is stopped by SIGINT. */
export function startPing(from: Host, address: string, intervalMs: number): LabProcess {
  return from.spawn(['ping', '-n', '-i', `${intervalMs / 1000}`, '-W', '5', address]);
}

/** Pings that may be under way when a background ping is stopped. */
const UNDER_WAY = 10;

/** Stops a background ping and tells how many were answered; the last ones, whose answers it did not wait for, do not count. */
export async function stopPing(process: LabProcess): Promise<PingResult> {
  await process.stop('SIGINT');
  const result = readPing(process.output());
  const lastAnswered = Number([...result.output.matchAll(/icmp_seq=(\d+)/g)].at(-1)?.[1] ?? 0);
  return result.sent - lastAnswered <= UNDER_WAY ? { ...result, sent: lastAnswered } : result;
}

/** Every ping is answered. */
export async function assertPing(from: Host, address: string, options: PingOptions = {}): Promise<void> {
  const { sent, received, output } = await ping(from, address, options);
  assert.is(received, options.count ?? 1, `${sent} pings to ${address} sent, ${received} answered\n${output}`);
}

/** Carries `bytes` each way over one TCP connection; both streams arrive as they were sent. */
export async function assertTransfer(from: Host, to: Host, address: string, bytes: number): Promise<void> {
  const listener = to.spawn([...nodeTool('transfer'), 'listen', address, '7000', `${bytes}`]);
  await waitFor(
    'the listener',
    () => listener.output().includes('listening'),
    5000,
    () => listener.output(),
  );
  const near = await from.run([...nodeTool('transfer'), 'connect', address, '7000', `${bytes}`], { timeoutMs: 20_000 });
  await listener.exited;
  for (const [who, line] of [
    ['connecting', near.stdout],
    ['listening', listener.output()],
  ] as const) {
    const { received, sha256, expected } = JSON.parse(line.slice(line.indexOf('{')));
    assert.is(received, bytes, `bytes that the ${who} side received`);
    assert.is(sha256, expected, `checksum of what the ${who} side received`);
  }
}
