import { ed25519 } from '@noble/curves/ed25519.js';
import { formatNetworkId, networkId } from '../network-id.ts';
import { encodeBase64 } from '../text.ts';
import { decodeChain, encodeChain } from './chain.ts';
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
 * A signed set with its successor behind it, or undefined when `bytes` are none.
 * @param signatures by the root, or by a majority of the last set
 * @throws NetmapError INVALID_VALUE when the set is none
 */
export function appendServerSet(
  bytes: Uint8Array,
  set: ServerSet,
  signatures: readonly ServerSetSignature[],
): Uint8Array | undefined {
  const chain = decodeChain(bytes);
  return chain && encodeChain({ ...chain, steps: [...chain.steps, { set, signatures }] });
}
