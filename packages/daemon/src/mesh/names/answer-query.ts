import { formatAddress, parseAddress } from '@pcloud/ip';
import type { Answer } from 'dns-packet';
import type { HostTable } from './host-table.ts';
import { CLASS_IN, FLAGS, TYPES } from './message.ts';
import type { Query } from './query.ts';
import { isReverseWithin, parseReverseName, type ReverseName, reverseNameOf, reverseZoneOf } from './reverse-names.ts';
import { type AnswerContent, RCODES, writeAnswer } from './write-answer.ts';

/** What becomes of a query. */
export type Decision = { readonly kind: 'answer'; readonly bytes: Uint8Array } | { readonly kind: 'forward' };

/** Whether an address of the mesh's range leads somewhere else on this machine, whose own networks go first. */
export type GoesOutside = (address: Uint8Array) => boolean;

/** How long others may remember an answer, and that there is none. Seconds. */
const TTL_S = 60;
const NEGATIVE_TTL_S = 10;

const NOTHING: AnswerContent = { rcode: RCODES.noError, isAuthoritative: true };

/** Answers what the map knows: names of nodes, and of addresses in the mesh's prefixes. */
export function answerQuery(query: Query, table: HostTable, goesOutside: GoesOutside): Decision {
  const problem = refusalOf(query);
  if (problem !== undefined) return answer(query, { rcode: problem });
  for (const domain of table.domains) {
    const front = query.labels.slice(0, -domain.length);
    const isInside = query.labels.slice(-domain.length).join('.') === domain.join('.');
    if (isInside) return answer(query, answerHost(query, front, domain, table, goesOutside));
  }
  const reverse = parseReverseName(query.labels);
  const prefix = reverse && table.prefixes.find((each) => isReverseWithin(each, reverse));
  if (reverse === undefined || prefix === undefined || isOthers(reverse, goesOutside)) return { kind: 'forward' };
  return answer(query, answerReverse(query, reverse, reverseZoneOf(prefix, reverse.address), table));
}

function answer(query: Query, content: AnswerContent): Decision {
  return { kind: 'answer', bytes: writeAnswer(query, content) };
}

/** Why a query is none that anybody gets an answer to here. */
function refusalOf({ flags, edns, class: kind, type }: Query): number | undefined {
  if ((flags & FLAGS.opcode) !== 0) return RCODES.notImplemented;
  if (edns !== undefined && edns.version > 0) return RCODES.badVersion;
  if (kind !== CLASS_IN || type === TYPES.AXFR || type === TYPES.IXFR) return RCODES.refused;
  return undefined;
}

function answerHost(
  query: Query,
  front: readonly string[],
  domain: readonly string[],
  table: HostTable,
  goesOutside: GoesOutside,
): AnswerContent {
  const zone = soa(domain.join('.'), table);
  if (front.length === 0) return asks(query, TYPES.SOA) ? { ...NOTHING, answers: [zone] } : nothing(zone);
  const addresses = front.length === 1 ? table.hosts.get(front[0]!) : undefined;
  if (addresses === undefined) return noSuchName(zone);
  const name = query.labels.join('.');
  const answers = addresses
    .filter((address) => asks(query, address.length === 4 ? TYPES.A : TYPES.AAAA))
    .filter((address) => table.ownAddresses.has(formatAddress(address)) || !goesOutside(address))
    .map((address): Answer => {
      const data = formatAddress(address);
      return { type: address.length === 4 ? 'A' : 'AAAA', name, ttl: TTL_S, data };
    });
  return answers.length > 0 ? { ...NOTHING, answers } : nothing(zone);
}

function answerReverse(query: Query, reverse: ReverseName, zoneName: string, table: HostTable): AnswerContent {
  const { address, knownBits, hasMore } = reverse;
  const zone = soa(zoneName, table);
  const name = query.labels.join('.');
  if (name === zoneName) return asks(query, TYPES.SOA) ? { ...NOTHING, answers: [zone] } : nothing(zone);
  if (hasMore) return noSuchName(zone);
  if (knownBits < address.length * 8) return hasNamesBelow(name, table) ? nothing(zone) : noSuchName(zone);
  const data = table.pointers.get(formatAddress(address));
  if (data === undefined) return noSuchName(zone);
  return asks(query, TYPES.PTR) ? { ...NOTHING, answers: [{ type: 'PTR', name, ttl: TTL_S, data }] } : nothing(zone);
}

/** Of a range of this machine that the mesh's overlaps: its own resolvers know better. */
function isOthers({ address, knownBits }: ReverseName, goesOutside: GoesOutside): boolean {
  return knownBits === address.length * 8 && goesOutside(address);
}

/** A name between others exists, even with nothing of its own (RFC 8020). */
function hasNamesBelow(name: string, table: HostTable): boolean {
  for (const address of table.pointers.keys()) {
    if (reverseNameOf(parseAddress(address)!).endsWith(`.${name}`)) return true;
  }
  return false;
}

function asks({ type }: Query, wanted: number): boolean {
  return type === wanted || type === TYPES.ANY;
}

function nothing(zone: Answer): AnswerContent {
  return { ...NOTHING, authorities: [zone] };
}

function noSuchName(zone: Answer): AnswerContent {
  return { ...nothing(zone), rcode: RCODES.noSuchName };
}

/** RFC 2308 section 3: its TTL is how long nothing is remembered. */
function soa(name: string, { self, serial }: HostTable): Answer {
  return {
    type: 'SOA',
    name,
    ttl: NEGATIVE_TTL_S,
    data: {
      mname: self,
      rname: `hostmaster.${self}`,
      serial,
      refresh: 3_600,
      retry: 600,
      expire: 86_400,
      minimum: NEGATIVE_TTL_S,
    },
  };
}
