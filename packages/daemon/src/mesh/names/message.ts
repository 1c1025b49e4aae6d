/** DNS messages as bytes (RFC 1035 section 4.1): as much of them as is looked at. Parsing never throws. */

export const HEADER_LENGTH = 12;

/** Bits of the header's second word. */
export const FLAGS = {
  response: 0x8000,
  opcode: 0x7800,
  authoritative: 0x0400,
  truncated: 0x0200,
  recursionDesired: 0x0100,
  recursionAvailable: 0x0080,
  checkingDisabled: 0x0010,
  rcode: 0x000f,
} as const;

export const TYPES = { A: 1, SOA: 6, PTR: 12, AAAA: 28, OPT: 41, SVCB: 64, HTTPS: 65, IXFR: 251, AXFR: 252, ANY: 255 };
export const CLASS_IN = 1;

export interface Message {
  readonly id: number;
  readonly flags: number;
  /** Of the question's name, in lower case, a byte a character. */
  readonly labels: readonly string[];
  readonly type: number;
  readonly class: number;
  /** Where the question ends. */
  readonly questionEnd: number;
  /** Of all sections. */
  readonly records: readonly MessageRecord[];
}

export interface MessageRecord {
  readonly isRoot: boolean;
  readonly type: number;
  readonly class: number;
  readonly ttl: number;
  readonly data: Uint8Array;
}

const MAX_NAME_BYTES = 255;
/** Of data that some read without a look at the length that is there. */
const LENGTHS: ReadonlyMap<number, number> = new Map([
  [TYPES.A, 4],
  [TYPES.AAAA, 16],
]);

/** A message of exactly one question; undefined when it is not well-formed. */
export function parseMessage(bytes: Uint8Array): Message | undefined {
  if (bytes.length < HEADER_LENGTH) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint16(4) !== 1) return undefined;
  const name = readName(bytes, HEADER_LENGTH);
  if (name === undefined || name.end + 4 > bytes.length) return undefined;
  const records: MessageRecord[] = [];
  let at = name.end + 4;
  for (let left = view.getUint16(6) + view.getUint16(8) + view.getUint16(10); left > 0; left--) {
    const start = at;
    const fixed = skipName(bytes, at);
    if (fixed === undefined || fixed + 10 > bytes.length) return undefined;
    const length = view.getUint16(fixed + 8);
    const type = view.getUint16(fixed);
    at = fixed + 10 + length;
    if (at > bytes.length || (LENGTHS.get(type) ?? length) !== length) return undefined;
    records.push({
      isRoot: bytes[start] === 0,
      type,
      class: view.getUint16(fixed + 2),
      ttl: view.getUint32(fixed + 4),
      data: bytes.subarray(fixed + 10, at),
    });
  }
  return {
    id: view.getUint16(0),
    flags: view.getUint16(2),
    labels: name.labels,
    type: view.getUint16(name.end),
    class: view.getUint16(name.end + 2),
    questionEnd: name.end + 4,
    records,
  };
}

/** Header and question of a message, whatever follows: a truncated one may end anywhere. */
export function parseHead(bytes: Uint8Array): Message | undefined {
  const head = Uint8Array.from(bytes);
  head.fill(0, 6, HEADER_LENGTH);
  return parseMessage(head);
}

/** Whether an answer repeats id and question: what somebody else made up mostly does not. */
export function isAnswerTo(question: Uint8Array, answer: Uint8Array): boolean {
  const asked = parseHead(question);
  const said = parseHead(answer);
  return (
    asked !== undefined &&
    said !== undefined &&
    said.id === asked.id &&
    (said.flags & FLAGS.response) !== 0 &&
    said.type === asked.type &&
    said.class === asked.class &&
    said.labels.join('.') === asked.labels.join('.')
  );
}

/** The name of a question, which has nothing before it that it could point to. */
function readName(bytes: Uint8Array, start: number): { labels: string[]; end: number } | undefined {
  const labels: string[] = [];
  for (let at = start; at < bytes.length; ) {
    const length = bytes[at++]!;
    if (length > 63 || at + length > bytes.length || at + length - start > MAX_NAME_BYTES) return undefined;
    if (length === 0) return { labels, end: at };
    labels.push(String.fromCharCode(...bytes.subarray(at, at + length).map(toLower)));
    at += length;
  }
  return undefined;
}

/** Where a name ends that may point back (section 4.1.4). */
function skipName(bytes: Uint8Array, start: number): number | undefined {
  for (let at = start; at < bytes.length; ) {
    const length = bytes[at++]!;
    if (length === 0) return at;
    if (length >= 0xc0) return at + 1;
    if (length > 63) return undefined;
    at += length;
  }
  return undefined;
}

function toLower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}
