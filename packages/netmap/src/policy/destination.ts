import type { Fault } from './problem.ts';
import type { Field, Reader } from './reader.ts';

/** `SELECTOR:PORTS` taken apart; neither is looked at yet. */
export interface SplitDestination {
  readonly selector: string;
  readonly ports: string;
}

/** Words that stand before a colon of their own. */
const KINDS: readonly string[] = ['group', 'tag', 'node', 'autogroup'];
const BRACKETS = /^\[([^[\]/]*)(\/[0-9]+)?\](\/[0-9]+)?:([^:]*)$/;

/**
 * Ports stand behind the last colon. An IPv6 address stands in brackets, for of `fd00::1:22` nobody could say
 * whether 22 is its port: `[fd00::1]:22`, `[fd00::/64]:22`, `[fd00::]/64:22`.
 */
function splitDestination(text: string): SplitDestination | Fault {
  if (text.startsWith('[')) {
    const [, address, inner = '', outer = '', ports] = BRACKETS.exec(text) ?? [];
    if (address?.includes(':') && ports !== undefined && (inner === '' || outer === '')) {
      return { selector: address + inner + outer, ports };
    }
    return { code: 'SELECTOR_INVALID', message: 'expected an IPv6 address in brackets, then :PORTS' };
  }
  const colon = text.lastIndexOf(':');
  const selector = text.slice(0, Math.max(colon, 0));
  if (colon < 0 || KINDS.includes(selector)) {
    const message = `the ports are missing: ${JSON.stringify(`${text.slice(0, 60)}:*`)} is all of them`;
    return { code: 'PORTS_INVALID', message };
  }
  if (selector.split(':').length > 2) {
    const message = 'an IPv6 address before ports stands in brackets: "[fd00::1]:22"';
    return { code: 'SELECTOR_INVALID', message };
  }
  return { selector, ports: text.slice(colon + 1) };
}

/** The destination of a field, taken apart. Undefined when it is none, which is noted. */
export function readParts(reader: Reader, field: Field): SplitDestination | undefined {
  const text = reader.text(field);
  if (text === undefined) return undefined;
  const parts = splitDestination(text);
  if (!('code' in parts)) return parts;
  reader.problem(parts.code, field, parts.message);
  return undefined;
}
