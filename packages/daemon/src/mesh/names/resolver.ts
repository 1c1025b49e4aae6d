import { prefixContains } from '@pcloud/ip';
import { answerQuery } from './answer-query.ts';
import { type Forwarder, MAX_IN_FLIGHT } from './forwarder.ts';
import type { HostTable } from './host-table.ts';
import { FLAGS, parseHead, parseMessage } from './message.ts';
import type { OwnHost } from './own-host.ts';
import { parseQuery, type Query, type Transport } from './query.ts';
import { namesAddress } from './rebinding.ts';
import { RCODES, writeAnswer } from './write-answer.ts';

/** What the resolver did, since it was made. */
export interface ResolverCounts {
  /** From the map. */
  answered: number;
  forwarded: number;
  /** Of those forwarded, to which no server gave an answer. */
  failed: number;
  /** Not well-formed. */
  malformed: number;
  /** Not from this machine. */
  foreign: number;
  /** More than can wait. */
  overflow: number;
  /** Answers from outside that name an address of the mesh. */
  rebinding: number;
}

export interface Resolver {
  readonly counts: Readonly<ResolverCounts>;
  /**
   * Answers a question. Never rejects.
   * @param from the asker's address
   * @returns undefined when there is to be no answer
   */
  handle(bytes: Uint8Array, from: string, transport: Transport): Promise<Uint8Array | undefined>;
}

export interface ResolverDeps {
  readonly table: () => HostTable | undefined;
  readonly host: Pick<OwnHost, 'isOwn' | 'goesOutside'>;
  readonly forwarder: Forwarder;
  /** Whether all that this machine asks comes here, and other names are somebody's too. */
  readonly forwards: () => boolean;
}

/** Those that ask the same thing wait together, so there can be more of them than questions on their way. */
const MAX_WAITING = 4 * MAX_IN_FLIGHT;

export function createResolver({ table, host, forwarder, forwards }: ResolverDeps): Resolver {
  const counts: ResolverCounts = {
    answered: 0,
    forwarded: 0,
    failed: 0,
    malformed: 0,
    foreign: 0,
    overflow: 0,
    rebinding: 0,
  };
  let waiting = 0;

  /** Dropped: the answer holds no address, so that the program does not turn to a server that gives it one. */
  function vet(answer: Uint8Array, query: Query, mesh: HostTable): Uint8Array {
    const head = parseHead(answer);
    if (head === undefined) return writeAnswer(query, { rcode: RCODES.serverFailure });
    if ((head.flags & FLAGS.truncated) !== 0 || answer.length > query.limit) return truncate(answer, head.questionEnd);
    const message = parseMessage(answer);
    if (message === undefined) return writeAnswer(query, { rcode: RCODES.serverFailure });
    const isInside = (address: Uint8Array): boolean =>
      mesh.prefixes.some((prefix) => prefixContains(prefix, address)) && !host.goesOutside(address);
    if (!namesAddress(message, isInside)) return answer;
    counts.rebinding += 1;
    return writeAnswer(query, { rcode: RCODES.noError });
  }

  async function forward(bytes: Uint8Array, query: Query, mesh: HostTable): Promise<Uint8Array | undefined> {
    if (!forwards()) return writeAnswer(query, { rcode: RCODES.refused });
    if (waiting >= MAX_WAITING) {
      counts.overflow += 1;
      return undefined;
    }
    waiting += 1;
    counts.forwarded += 1;
    try {
      const answer = await forwarder.forward(bytes, query.transport);
      if (answer !== undefined) return vet(answer, query, mesh);
      counts.failed += 1;
      return writeAnswer(query, { rcode: RCODES.serverFailure });
    } finally {
      waiting -= 1;
    }
  }

  return {
    counts,
    async handle(bytes, from, transport) {
      const mesh = table();
      if (mesh === undefined) return undefined;
      if (!host.isOwn(from)) {
        counts.foreign += 1;
        return undefined;
      }
      const query = parseQuery(bytes, transport);
      if (query === undefined) {
        counts.malformed += 1;
        return undefined;
      }
      const decision = answerQuery(query, mesh, host.goesOutside);
      if (decision.kind === 'forward') return forward(bytes, query, mesh);
      counts.answered += 1;
      return decision.bytes;
    },
  };
}

/** Header and question alone: whoever gets it asks again over TCP. */
function truncate(answer: Uint8Array, questionEnd: number): Uint8Array {
  const head = answer.slice(0, questionEnd);
  head[2]! |= FLAGS.truncated >> 8;
  head.fill(0, 6, 12);
  return head;
}
