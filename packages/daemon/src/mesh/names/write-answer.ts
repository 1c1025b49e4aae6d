import { type Answer, encode } from 'dns-packet';
import { FLAGS, HEADER_LENGTH } from './message.ts';
import { type Query, UDP_PAYLOAD } from './query.ts';

export const RCODES = { noError: 0, serverFailure: 2, noSuchName: 3, notImplemented: 4, refused: 5, badVersion: 16 };

export interface AnswerContent {
  readonly rcode: number;
  readonly isAuthoritative?: boolean;
  readonly answers?: readonly Answer[];
  readonly authorities?: readonly Answer[];
}

const DNSSEC_OK = 0x8000;

/** The bytes of an answer; a truncated one where there is no room for it. */
export function writeAnswer(query: Query, content: AnswerContent): Uint8Array {
  const { rcode, isAuthoritative = false, answers = [], authorities = [] } = content;
  const flags =
    (query.flags & (FLAGS.opcode | FLAGS.recursionDesired | FLAGS.checkingDisabled)) |
    FLAGS.recursionAvailable |
    (isAuthoritative ? FLAGS.authoritative : 0) |
    (rcode & FLAGS.rcode);
  const whole = assemble(query, rcode, flags, answers, authorities);
  return whole.length <= query.limit ? whole : assemble(query, rcode, flags | FLAGS.truncated, [], []);
}

/** Records are written with whole names, so that they can stand behind a question of any length. */
function assemble(
  query: Query,
  rcode: number,
  flags: number,
  answers: readonly Answer[],
  authorities: readonly Answer[],
): Uint8Array {
  const packet = encode({
    type: 'response',
    id: query.id,
    flags,
    answers: [...answers],
    authorities: [...authorities],
    additionals: query.edns === undefined ? [] : [optionRecord(query.edns.dnssecOk, rcode >> 4)],
  });
  const bytes = new Uint8Array(packet.length + query.question.length);
  bytes.set(packet.subarray(0, HEADER_LENGTH));
  bytes.set(query.question, HEADER_LENGTH);
  bytes.set(packet.subarray(HEADER_LENGTH), HEADER_LENGTH + query.question.length);
  bytes[5] = 1;
  return bytes;
}

function optionRecord(dnssecOk: boolean, extendedRcode: number): Answer {
  return {
    type: 'OPT',
    name: '.',
    udpPayloadSize: UDP_PAYLOAD,
    extendedRcode,
    ednsVersion: 0,
    flags: dnssecOk ? DNSSEC_OK : 0,
    flag_do: dnssecOk,
    options: [],
  };
}
