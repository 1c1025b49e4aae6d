import { readParts } from './destination.ts';
import { USUAL_PROTOCOLS } from './filter-rule.ts';
import { POLICY_LIMITS } from './limits.ts';
import type { PolicyDestination, PolicyRule } from './policy.ts';
import { ALL_PORTS, hasPorts, parsePorts, parseProtocol } from './ports.ts';
import { namesUsers, readSelector, readSelectors } from './read-selector.ts';
import type { Field, Reader } from './reader.ts';
import type { KnownNames } from './selector.ts';

/** Reads one of `rules`, or of `acls`, where `action` is not left out. */
export function readRule(reader: Reader, field: Field, known: KnownNames, isAcl: boolean): PolicyRule {
  const { action, src, dst, proto } = reader.members(field, ['action', 'src', 'dst', 'proto']);
  if (action !== undefined && reader.text(action) !== 'accept') {
    reader.problem('ACTION_INVALID', action, 'there is only "accept": what no rule allows is refused');
  }
  const isObject = field.value.kind === 'object';
  if (action === undefined && isAcl && isObject) reader.problem('KEY_MISSING', field, '"action": "accept" is missing');
  for (const [key, list] of [['src', src] as const, ['dst', dst] as const]) {
    if (list === undefined && isObject) reader.problem('KEY_MISSING', field, `"${key}" is missing`);
    if (list?.value.kind === 'array' && list.value.items.length === 0) {
      reader.problem('KEY_MISSING', list, 'a rule for nobody: name at least one');
    }
  }
  const protocols = readProtocols(reader, proto);
  const rule: PolicyRule = {
    ...reader.place(field),
    src: readSelectors(reader, reader.items(src, POLICY_LIMITS.SELECTORS), known, 'source'),
    dst: reader
      .items(dst, POLICY_LIMITS.SELECTORS)
      .flatMap((item) => readDestination(reader, item, known, protocols) ?? []),
    protocols,
  };
  checkSelf(reader, field, rule);
  return rule;
}

/** The numbers of `proto`, in order; empty when there is none. */
export function readProtocols(reader: Reader, field: Field | undefined): number[] {
  if (field === undefined) return [];
  const list = field.value.kind === 'array' ? reader.items(field, POLICY_LIMITS.PROTOCOLS) : [field];
  if (field.value.kind === 'array' && field.value.items.length === 0) {
    reader.problem('PROTOCOL_INVALID', field, 'an empty list: leave proto out for TCP, UDP, SCTP and ICMP');
  }
  const numbers = list.flatMap((item) => {
    const text = item.value.kind === 'number' ? String(item.value.value) : reader.text(item);
    if (text === undefined) return [];
    const found = parseProtocol(text);
    if (found === undefined) reader.problem('PROTOCOL_INVALID', item, 'expected a name such as tcp, or 0 to 255');
    return found ?? [];
  });
  return [...new Set(numbers)].sort((a, b) => a - b);
}

function readDestination(
  reader: Reader,
  field: Field,
  known: KnownNames,
  protocols: readonly number[],
): PolicyDestination | undefined {
  const parts = readParts(reader, field);
  if (parts === undefined) return undefined;
  const ports = parsePorts(parts.ports, POLICY_LIMITS.PORTS);
  if (ports === undefined) {
    const message = `expected * or ports as 22,80-443 behind the last colon, got ${JSON.stringify(parts.ports.slice(0, 60))}`;
    reader.problem('PORTS_INVALID', field, message);
  } else if (ports !== ALL_PORTS && !takesPorts(protocols)) {
    reader.problem('PORTS_INVALID', field, 'proto has a protocol without ports: write * for them');
  }
  const selector = readSelector(reader, field, parts.selector, known, 'destination');
  return selector === undefined || ports === undefined ? undefined : { selector, ports };
}

/** Ports with a protocol that has none would be passed over in silence; ICMP alone is let be beside one that has. */
function takesPorts(protocols: readonly number[]): boolean {
  if (protocols.length === 0) return true;
  return protocols.some(hasPorts) && protocols.every((protocol) => USUAL_PROTOCOLS.includes(protocol));
}

/** `autogroup:self` is the devices of the user who sends, so the sources are users; `*` is those that are. */
function checkSelf(reader: Reader, field: Field, rule: PolicyRule): void {
  if (!rule.dst.some(({ selector }) => selector.kind === 'autogroup' && selector.name === 'self')) return;
  const other = rule.src.find((selector) => selector.kind !== 'any' && !namesUsers(selector));
  if (other === undefined) return;
  const message = `autogroup:self needs users as sources, and ${other.written} is none`;
  reader.problem('SELECTOR_MISPLACED', field, message);
}
