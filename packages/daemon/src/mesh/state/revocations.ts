import { join } from 'node:path';
import { createRevocationSet, decodeServerMessage, type Revocation, type RevocationSet } from '@pcloud/netmap';
import { corruptFile, readStateFile, writeStateFile } from './state-file.ts';

/** What was revoked in the networks that this device is or was in. It only grows, whatever becomes of maps. */
export interface Revocations {
  /** Of one network. */
  of(networkId: string): Pick<RevocationSet, 'entries' | 'hash' | 'has'>;
  /** Has more of it in force, and then on disk. @throws DaemonError STATE_FAILED */
  add(networkId: string, revocations: readonly Revocation[]): void;
}

/**
 * The lists in `revocations`: two lines a network, its id and what was revoked.
 * @throws DaemonError STATE_CORRUPT, STATE_FAILED
 */
export function openRevocations(stateDir: string): Revocations {
  const path = join(stateDir, 'revocations');
  const sets = new Map<string, RevocationSet>();
  const lines = (readStateFile(path) ?? '').split('\n');
  const isWhole = lines.length % 2 === 1 && lines.pop() === '';
  for (let at = 0; at < lines.length; at += 2) {
    const message = decodeServerMessage(lines[at + 1] ?? '');
    if (!isWhole || message?.kind !== 'revocations') {
      throw corruptFile(path, 'put it back from a backup, or remove it: the coordinator tells what was revoked anew');
    }
    of(lines[at]!).add(message.nodes);
  }

  function of(networkId: string): RevocationSet {
    const set = sets.get(networkId) ?? createRevocationSet();
    sets.set(networkId, set);
    return set;
  }

  /** What could not be written is tried again with what comes next, and is not confirmed. */
  let isWritten = true;
  return {
    of,
    add(networkId, revocations) {
      const added = of(networkId).add(revocations);
      if (added.length === 0 && isWritten) return;
      isWritten = false;
      const texts = [...sets].filter(([, { entries }]) => entries.length > 0);
      writeStateFile(
        path,
        texts
          .map(([id, { entries }]) => `${id}\n${JSON.stringify({ kind: 'revocations', id: 0, nodes: entries })}\n`)
          .join(''),
      );
      isWritten = true;
    },
  };
}
