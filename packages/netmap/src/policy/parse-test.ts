import { readParts } from './destination.ts';
import { POLICY_LIMITS } from './limits.ts';
import { readProtocols } from './parse-rule.ts';
import type { PolicyTest, TestDestination } from './policy.ts';
import { hasPorts, type PortRange, parsePorts } from './ports.ts';
import { readSelector } from './read-selector.ts';
import type { Field, Reader } from './reader.ts';
import type { KnownNames } from './selector.ts';

/** Without `proto` a test is about TCP. */
const TCP: readonly number[] = [6];
const NO_PORT: PortRange = [0, -1];

/** Reads one of `tests`. Undefined when it is none, which is noted. */
export function readTest(reader: Reader, field: Field, known: KnownNames): PolicyTest | undefined {
  const { src, accept, deny, proto } = reader.members(field, ['src', 'accept', 'deny', 'proto']);
  if (field.value.kind !== 'object') return undefined;
  if (src === undefined) reader.problem('KEY_MISSING', field, '"src" is missing');
  if (accept === undefined && deny === undefined) {
    reader.problem('KEY_MISSING', field, '"accept" or "deny" is missing');
  }
  const protocols = proto === undefined ? TCP : readProtocols(reader, proto);
  if (new Set(protocols.map(hasPorts)).size > 1) {
    reader.problem('PROTOCOL_INVALID', proto ?? field, 'with and without ports: make two tests of it');
  }
  const read = (list: Field | undefined): TestDestination[] =>
    reader
      .items(list, POLICY_LIMITS.SELECTORS)
      .flatMap((item) => readDestination(reader, item, known, protocols) ?? []);
  const text = src === undefined ? undefined : reader.text(src);
  const source = text === undefined ? undefined : readSelector(reader, src!, text, known, 'test');
  const test = { protocols, accept: read(accept), deny: read(deny) };
  return source === undefined ? undefined : { ...reader.place(field), src: source, ...test };
}

function readDestination(
  reader: Reader,
  field: Field,
  known: KnownNames,
  protocols: readonly number[],
): TestDestination | undefined {
  const parts = readParts(reader, field);
  if (parts === undefined) return undefined;
  const [first, last] = parsePorts(parts.ports, 1)?.[0] ?? NO_PORT;
  const isOfPorts = protocols.some(hasPorts);
  if (isOfPorts ? first !== last : parts.ports !== '*') {
    reader.problem('PORTS_INVALID', field, isOfPorts ? 'a test is of one port' : 'a protocol without ports: write *');
  }
  const selector = readSelector(reader, field, parts.selector, known, 'destination');
  return selector === undefined ? undefined : { selector, port: first };
}
