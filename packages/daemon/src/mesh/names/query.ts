import { FLAGS, HEADER_LENGTH, type Message, parseMessage, TYPES } from './message.ts';

/** How a question came, and how its answer goes. */
export type Transport = 'udp' | 'tcp';

/** What a program of this machine asks. */
export interface Query extends Message {
  readonly transport: Transport;
  /** As it was asked, capitals and all: an answer repeats it. */
  readonly question: Uint8Array;
  /** RFC 6891; undefined when the asker knows nothing of it. */
  readonly edns: { readonly version: number; readonly dnssecOk: boolean } | undefined;
  /** The longest answer there is room for. Bytes. */
  readonly limit: number;
}

/** What passes every path unfragmented; more is not sent over UDP whoever asks for it. Bytes. */
export const UDP_PAYLOAD = 1_232;
const PLAIN_PAYLOAD = 512;
const TCP_PAYLOAD = 65_535;
const DNSSEC_OK = 0x8000;

/** Undefined when it is no well-formed query. */
export function parseQuery(bytes: Uint8Array, transport: Transport): Query | undefined {
  const message = parseMessage(bytes);
  if (message === undefined || (message.flags & FLAGS.response) !== 0) return undefined;
  const options = message.records.filter(({ type }) => type === TYPES.OPT);
  const [option] = options;
  if (options.length > 1 || option?.isRoot === false) return undefined;
  return {
    ...message,
    transport,
    question: bytes.slice(HEADER_LENGTH, message.questionEnd),
    edns: option && { version: (option.ttl >> 16) & 0xff, dnssecOk: (option.ttl & DNSSEC_OK) !== 0 },
    limit: transport === 'tcp' ? TCP_PAYLOAD : clamp(option?.class ?? 0, PLAIN_PAYLOAD, UDP_PAYLOAD),
  };
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
