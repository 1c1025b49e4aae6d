/** Takes ephemeral nodes out of the network once they have been away for a while. */
import type { Logger } from '../log.ts';
import type { NodeRecord } from './node-record.ts';
import type { Registry } from './registry.ts';

export interface EphemeralSweep {
  stop(): void;
}

export interface EphemeralSweepDeps {
  readonly registry: Registry;
  readonly isConnected: (nodeId: string) => boolean;
  readonly remove: (node: NodeRecord) => Promise<unknown>;
  readonly log: Logger;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly setTimer: (callback: () => void, ms: number) => () => void;
}

/** So long may an ephemeral node be away; a server that was away itself counts from its own start. */
export const EPHEMERAL_AWAY_MS = 1_800_000;
const SWEEP_MS = 60_000;

export function startEphemeralSweep(deps: EphemeralSweepDeps): EphemeralSweep {
  const { registry, log, now } = deps;
  const awaySince = new Map<string, number>();
  let cancel = schedule();

  function schedule(): () => void {
    return deps.setTimer(() => {
      cancel = schedule();
      sweep();
    }, SWEEP_MS);
  }

  function sweep(): void {
    for (const node of registry.nodes.values()) {
      if (!node.ephemeral) continue;
      if (deps.isConnected(node.id)) {
        awaySince.delete(node.id);
        continue;
      }
      const since = awaySince.get(node.id) ?? now();
      awaySince.set(node.id, since);
      if (now() - since < EPHEMERAL_AWAY_MS) continue;
      awaySince.delete(node.id);
      deps.remove(node).then(
        () => log.info({ node: node.name }, 'an ephemeral node was away and is removed'),
        (error: unknown) => log.warn({ error: (error as Error).message }, 'an ephemeral node could not be removed'),
      );
    }
    for (const id of awaySince.keys()) if (!registry.nodes.has(id)) awaySince.delete(id);
  }

  return { stop: () => cancel() };
}
