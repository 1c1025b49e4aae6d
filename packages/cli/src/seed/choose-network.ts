import { formatPrefix, type Prefix, parsePrefix, prefixesOverlap } from '@pcloud/ip';
import { CliError } from '../exit.ts';

/** The range for a network that is made now, and what to say about it. */
export interface NetworkChoice {
  readonly prefix: Prefix;
  /** Undefined when it is the default. */
  readonly remark: string | undefined;
}

/**
 * The range that was asked for, else the first candidate that overlaps nothing of this machine.
 * @param ranges in use on this machine
 * @throws CliError when all candidates overlap something, and usage for a range that is not a network's
 */
export async function chooseNetwork(wanted: Prefix | undefined, ranges: readonly Prefix[]): Promise<NetworkChoice> {
  const { CANDIDATE_NETWORKS, firstFreeNetwork, isMeshRange, MESH_RANGES } = await import('@pcloud/netmap');
  if (wanted !== undefined) {
    if (!isMeshRange(wanted)) {
      const why = 'addresses there are those of others, and devices would not take them';
      throw new CliError('usage', `--network ${formatPrefix(wanted)}: ${why}; choose one in ${MESH_RANGES}`);
    }
    const overlap = overlapOf(wanted, ranges);
    if (overlap === undefined) return { prefix: wanted, remark: undefined };
    const remark = `${formatPrefix(wanted)} overlaps ${overlap} of this machine, which goes first; see "pcloud status".`;
    return { prefix: wanted, remark };
  }
  const usual = parsePrefix(CANDIDATE_NETWORKS[0]!)!;
  const free = firstFreeNetwork(ranges);
  if (free === undefined) {
    throw new CliError(
      'failed',
      `every range that is tried (${CANDIDATE_NETWORKS.join(', ')}) overlaps one of this machine; choose one with --network`,
    );
  }
  const overlap = overlapOf(usual, ranges);
  if (overlap === undefined) return { prefix: free, remark: undefined };
  const remark = `${formatPrefix(usual)} overlaps ${overlap} of this machine; the network is ${formatPrefix(free)} instead.`;
  return { prefix: free, remark };
}

function overlapOf(prefix: Prefix, ranges: readonly Prefix[]): string | undefined {
  const found = ranges.find((range) => prefixesOverlap(range, prefix));
  return found && formatPrefix(found);
}
