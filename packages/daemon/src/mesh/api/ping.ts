import type { MapNode } from '@pcloud/netmap';
import { DaemonError } from '../../errors.ts';
import type { MeshCore } from '../mesh-core.ts';
import type { MeshSeams } from '../seams.ts';
import { describePeer } from '../status.ts';

export interface PingAnswer {
  readonly name: string;
  readonly address: string;
  /** Round trip through the tunnel. */
  readonly latencyMs: number;
  readonly path: 'direct' | 'relay' | 'none';
  readonly endpoint: string | null;
}

/**
 * Sends something to a node and waits for its answer.
 * @throws DaemonError NO_ANSWER when none came before the signal was aborted, with the reason
 */
export async function pingNode(
  node: MapNode,
  core: MeshCore,
  probe: MeshSeams['probe'],
  signal: AbortSignal,
): Promise<PingAnswer> {
  const lost = new Set(core.tunnel?.conflict?.unreachable);
  const address = node.addresses.find((one) => !lost.has(one)) ?? node.addresses[0];
  if (address === undefined) throw new DaemonError('NO_ANSWER', `${node.name} has no address`);
  try {
    const latencyMs = Math.round((await probe(address, signal)) * 10) / 10;
    const { path, endpoint } = describePeer(node, core.facts());
    return { name: node.name, address, latencyMs, path, endpoint };
  } catch (cause) {
    const { sentence } = describePeer(node, core.facts());
    throw new DaemonError('NO_ANSWER', `${node.name} (${address}) does not answer. ${sentence}`, { cause });
  }
}
