/** Marks nodes whose key has expired, and takes the mark away where that is not so (any more). */
import type { Audit } from '../audit.ts';
import type { Logger } from '../log.ts';
import { encodeRecord, readRecord, type Store } from '../store/index.ts';
import { expiryOf } from './key-life.ts';
import { type NodeRecord, nodePaths, nodeRecord } from './node-record.ts';
import type { Registry } from './registry.ts';

export interface ExpirySweep {
  stop(): void;
}

export interface ExpirySweepDeps {
  readonly store: Store;
  readonly registry: Registry;
  readonly audit: Audit;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** Wall clock of the server, milliseconds: it alone decides what has expired. */
  readonly wallMs: () => number;
  /** @returns what cancels it */
  readonly setTimer: (callback: () => void, ms: number) => () => void;
}

const SWEEP_MS = 10_000;

export function startExpirySweep({ store, registry, audit, log, wallMs, setTimer }: ExpirySweepDeps): ExpirySweep {
  let isStopped = false;
  let cancel = setTimer(run, SWEEP_MS);

  function run(): void {
    sweep()
      .catch((error: unknown) => log.warn({ error: (error as Error).message }, 'expiry of keys could not be looked at'))
      .finally(() => {
        if (!isStopped) cancel = setTimer(run, SWEEP_MS);
      });
  }

  /** Of a clock that was set back after it had been wrong, what had expired has not. */
  function isOver(node: NodeRecord): boolean {
    return wallMs() >= (expiryOf(node, registry.settings) ?? Number.POSITIVE_INFINITY);
  }

  async function sweep(): Promise<void> {
    for (const { id, ...known } of [...registry.nodes.values()]) {
      if (isStopped) return;
      if (isOver({ id, ...known }) === (known.expired ?? false)) continue;
      const entry = await store.get(nodePaths.node(id));
      if (entry === undefined) continue;
      const { expired: _, ...node } = readRecord(nodeRecord, entry);
      const isExpired = isOver(node);
      const action = isExpired ? 'nodes.key-expire' : 'nodes.key-valid';
      const event = audit.put({ actor: 'nobody', action, subject: `node:${id}`, detail: { name: node.name } });
      // Whoever was faster is looked at the next time.
      const { committed } = await store.commit({
        compare: [{ key: entry.key, revision: entry.revision }],
        put: [{ key: entry.key, value: encodeRecord({ ...node, ...(isExpired && { expired: true }) }) }, event],
      });
      if (committed && isExpired) log.info({ node: node.name }, 'the key of a node has expired');
    }
  }

  return {
    stop() {
      isStopped = true;
      cancel();
    },
  };
}
