/** The signed set of the network's servers, with this server as it is reached today. */
import {
  appendServerSet,
  canonicalJson,
  openServerSet,
  type ServerSet,
  type ServerSetEntry,
  signServerSet,
  signStatement,
} from '@pcloud/netmap';
import { CoordinatorError } from '../errors.ts';

export interface CurrentServerSet {
  /** Signed. */
  readonly bytes: Uint8Array;
  readonly number: number;
  /** False while the set says something else of this server, and nobody here may sign another. */
  readonly isCurrent: boolean;
}

/** Who can sign here: the root where it is on this disk, and this server. Seeds, 32 bytes. */
export interface Signers {
  readonly root: Uint8Array | undefined;
  readonly server: Uint8Array;
}

/**
 * The set with `ours` in it: a new one where the set says something else, signed by the root, or by this server
 * where it alone is the set.
 * @param signed the newest set
 * @throws CoordinatorError STATE_MISMATCH when that is none of the network's
 */
export function currentServerSet(
  signed: Uint8Array,
  networkId: Uint8Array,
  ours: ServerSetEntry,
  { root, server }: Signers,
): CurrentServerSet {
  const opened = openServerSet(signed, { networkId });
  if (opened.kind === 'refused') {
    throw new CoordinatorError('STATE_MISMATCH', `the store's server set is refused: ${opened.code}`);
  }
  const { number, servers } = opened.set;
  const wanted = [...servers.filter(({ channelKey }) => channelKey !== ours.channelKey), ours];
  if (canonicalJson(servers) === canonicalJson(wanted)) return { bytes: signed, number, isCurrent: true };
  const next: ServerSet = { number: number + 1, servers: wanted };
  if (root) return { bytes: signServerSet(next, root), number: next.number, isCurrent: true };
  const isOurs = servers.every(({ signKey }) => signKey === ours.signKey);
  const appended = isOurs && appendServerSet(signed, next, [signStatement(networkId, next, server)]);
  return appended
    ? { bytes: appended, number: next.number, isCurrent: true }
    : { bytes: signed, number, isCurrent: false };
}
