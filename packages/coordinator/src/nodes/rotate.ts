/** A node has another node key, which it has proven: address, name and all else of it stay. */
import type { Audit } from '../audit.ts';
import { CoordinatorError } from '../errors.ts';
import type { Store } from '../store/index.ts';
import { findNode, renewNodeKey } from './join.ts';
import type { NodeRecord } from './node-record.ts';

/** @throws CoordinatorError NODE_UNKNOWN, KEY_IN_USE, RATE_LIMITED, CONFLICT */
export type RotateKey = (node: NodeRecord, nodeKey: string, source: string) => Promise<void>;

export interface RotateDeps {
  readonly store: Store;
  readonly audit: Audit;
  /** Wall clock, milliseconds. */
  readonly now: () => number;
}

/** Every failed attempt means that somebody else's change was committed. */
const MAX_ATTEMPTS = 20;
const LEAST_AGE_MS = 10_000;

export function createRotateKey({ store, audit, now }: RotateDeps): RotateKey {
  return async ({ id, machineKey, name }, nodeKey, source) => {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const known = await findNode(store, machineKey);
      if (known?.node.id !== id) throw new CoordinatorError('NODE_UNKNOWN', `node "${name}" was removed`);
      const ageMs = now() - (known.node.keySinceMs ?? Number.NEGATIVE_INFINITY);
      if (nodeKey !== known.node.nodeKey && ageMs >= 0 && ageMs < LEAST_AGE_MS) {
        const message = 'node key: it was replaced just now; each time costs all peers a handshake';
        throw new CoordinatorError('RATE_LIMITED', message, { retryAfterMs: LEAST_AGE_MS - ageMs });
      }
      const event = { actor: 'nobody' as const, action: 'nodes.rotate', subject: `node:${id}`, source };
      const put = [audit.put({ ...event, detail: { name: known.node.name } })];
      const outcome = await renewNodeKey(known, nodeKey, { store, now }, put);
      if (outcome === 'conflict') continue;
      if ('refusal' in outcome) throw new CoordinatorError('KEY_IN_USE', 'node key: another device has it, or had it');
      return;
    }
    throw new CoordinatorError('CONFLICT', `node "${name}" changes all the time; try again`);
  };
}
