import { ed25519 } from '@noble/curves/ed25519.js';
import { formatNetworkId, networkId } from '../network-id.ts';
import { encodeBase64 } from '../text.ts';
import { decodeChain, encodeChain } from './chain.ts';
import { isApproved } from './open.ts';
import { type ServerSet, type ServerSetSignature, serverSetStatement, signKeyOf } from './server-set.ts';

/** One signature of a set, by the seed of the network root or of a server of the set before. */
export function signStatement(network: Uint8Array, set: ServerSet, seed: Uint8Array): ServerSetSignature {
  const signature = ed25519.sign(serverSetStatement(formatNetworkId(network), set), seed);
  return { key: encodeBase64(signKeyOf(seed)), signature: encodeBase64(signature) };
}

/**
 * A set under the network root's signature, ready for `openServerSet`.
 * @throws NetmapError INVALID_VALUE when the set is none
 */
export function signServerSet(set: ServerSet, rootSeed: Uint8Array): Uint8Array {
  const root = signKeyOf(rootSeed);
  const signatures = [signStatement(networkId(root), set, rootSeed)];
  return encodeChain({ root: encodeBase64(root), steps: [{ set, signatures }] });
}

/**
 * A signed set with its successor behind it, or undefined when `bytes` are none. Sets between that nobody needs
 * any more, because the successor's signatures follow them and what was before them, are left out: a server that
 * changes its address every day has a chain of two.
 * @param signatures by the root, or by a majority of the last set
 * @throws NetmapError INVALID_VALUE when the set is none
 */
export function appendServerSet(
  bytes: Uint8Array,
  set: ServerSet,
  signatures: readonly ServerSetSignature[],
): Uint8Array | undefined {
  const chain = decodeChain(bytes);
  if (chain === undefined) return undefined;
  const { root, steps } = chain;
  const isFollowed = (at: number): boolean =>
    set.number > steps[at]!.set.number && isApproved(root, steps[at]!.set, signatures);
  let kept = steps.length;
  while (kept > 1 && isFollowed(kept - 1) && isFollowed(kept - 2)) kept -= 1;
  return encodeChain({ ...chain, steps: [...steps.slice(0, kept), { set, signatures }] });
}
