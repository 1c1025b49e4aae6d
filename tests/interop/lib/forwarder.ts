import type { LabProcess } from '../../lab/process.ts';
import { waitFor } from '../../lab/wait.ts';
import { endpointText, OUTER, type Pair } from './pair.ts';
import { nodeTool } from './tools.ts';

const FORWARDER_PORT = 6000;

/** Puts a forwarder between the two, on the left's host; each then has the other's endpoint there. */
export async function forward(
  { left, right }: Pair,
  { delayMs = 0, copies = 1 }: { delayMs?: number; copies?: number },
): Promise<LabProcess> {
  const [near, far] = [OUTER[4].left, OUTER[4].right];
  const words = [near, FORWARDER_PORT, near, left.port, far, right.port, delayMs, copies].map(String);
  const forwarder = left.host.spawn([...nodeTool('forward'), ...words]);
  const output = (): string => forwarder.output();
  await waitFor('the forwarder', () => output().includes('listening'), 5000, output);
  await left.setPeer(right.keys.publicKey, { endpoint: endpointText(near, FORWARDER_PORT) });
  await right.setPeer(left.keys.publicKey, { endpoint: endpointText(near, FORWARDER_PORT + 1) });
  return forwarder;
}

/** A datagram that a forwarder saw. */
export interface Seen {
  readonly atMs: number;
  readonly sender: string;
  readonly type: number;
  readonly length: number;
}

/** What a forwarder saw so far, in order. */
export function seen(forwarder: LabProcess): Seen[] {
  const lines = forwarder
    .stdout()
    .split('\n')
    .filter((line) => /^\d/.test(line));
  return lines.map((line) => {
    const [atMs, sender, type, length] = line.split(' ');
    return { atMs: Number(atMs), sender: sender!, type: Number(type), length: Number(length) };
  });
}
