import type { Host } from '../../lab/host.ts';
import { ours } from './implementations.ts';

/** What the tests read of `pcloud-wg status IFNAME --json`. */
export interface Status {
  readonly counters: Readonly<Record<string, number>>;
  readonly peers: readonly { readonly publicKey: string; readonly reason: string; readonly sentence: string }[];
}

/** The status of an interface of ours. */
export async function readStatus(host: Host, name = 'wg0'): Promise<Status> {
  const [program] = ours().command;
  return JSON.parse((await host.run([program!, 'status', name, '--json'])).stdout);
}

/** One counter, 0 when it is not among those shown. */
export async function readCounter(host: Host, counter: string): Promise<number> {
  return (await readStatus(host)).counters[counter] ?? 0;
}
