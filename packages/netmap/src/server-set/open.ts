import { ed25519 } from '@noble/curves/ed25519.js';
import { equalBytes } from '../bytes.ts';
import { canonicalJson } from '../canonical-json.ts';
import { formatNetworkId, networkId } from '../network-id.ts';
import { decodeBase64 } from '../text.ts';
import { decodeChain, type ServerSetChain } from './chain.ts';
import { type ServerSet, type ServerSetSignature, serverSetStatement } from './server-set.ts';

export type OpenedServerSet =
  | { readonly kind: 'set'; readonly set: ServerSet }
  | { readonly kind: 'refused'; readonly code: ServerSetRefusal };

export type ServerSetRefusal =
  /** Not a signed set. */
  | 'MALFORMED'
  /** Another network's root. */
  | 'OTHER_NETWORK'
  /** Neither by the root nor by a majority of the set before, or a signature that is wrong. */
  | 'UNSIGNED'
  /** A lower number than one seen already. */
  | 'OLDER'
  /** Another set under a number seen already. */
  | 'CONFLICT';

/**
 * Opens a signed server set. Trust begins at `previous`, or where there is none at a set that the root signed;
 * each later set is signed by the root or by a majority of the set before it.
 * @param options.networkId 32 bytes
 * @param options.previous the newest set that was opened before
 */
export function openServerSet(
  bytes: Uint8Array,
  options: { readonly networkId: Uint8Array; readonly previous?: ServerSet | undefined },
): OpenedServerSet {
  const chain = decodeChain(bytes);
  if (chain === undefined) return refused('MALFORMED');
  if (!equalBytes(networkId(decodeBase64(chain.root)!), options.networkId)) return refused('OTHER_NETWORK');
  if (!isAscending(chain)) return refused('MALFORMED');

  const network = formatNetworkId(options.networkId);
  const newest = chain.steps.at(-1)!.set;
  let trusted = options.previous;
  if (trusted !== undefined && newest.number < trusted.number) return refused('OLDER');
  for (const { set, signatures } of chain.steps) {
    if (!areSignatures(serverSetStatement(network, set), signatures)) return refused('UNSIGNED');
    if (trusted !== undefined && set.number < trusted.number) continue;
    if (trusted !== undefined && set.number === trusted.number) {
      if (canonicalJson(set) !== canonicalJson(trusted)) return refused('CONFLICT');
      continue;
    }
    if (!isApproved(chain.root, trusted, signatures)) return refused('UNSIGNED');
    trusted = set;
  }
  return { kind: 'set', set: newest };
}

function isAscending({ steps }: ServerSetChain): boolean {
  return steps.every(({ set }, i) => i === 0 || set.number > steps[i - 1]!.set.number);
}

/** Whether each is right, so that bytes that differ at all from those that were made are refused. */
function areSignatures(statement: Uint8Array, signatures: readonly ServerSetSignature[]): boolean {
  return signatures.every(({ key, signature }) =>
    // RFC 8032's own rules: ZIP 215 would take keys of low order, which sign anything.
    ed25519.verify(decodeBase64(signature)!, statement, decodeBase64(key)!, { zip215: false }),
  );
}

/** Whether a set with these signatures may come after another; they themselves are not looked at. */
export function isApproved(
  root: string,
  before: ServerSet | undefined,
  signatures: readonly ServerSetSignature[],
): boolean {
  const signers = new Set(signatures.map(({ key }) => key));
  if (signers.has(root)) return true;
  if (before === undefined) return false;
  const approvals = before.servers.filter(({ signKey }) => signers.has(signKey)).length;
  return 2 * approvals > before.servers.length;
}

function refused(code: ServerSetRefusal): OpenedServerSet {
  return { kind: 'refused', code };
}
