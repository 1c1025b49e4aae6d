import type { PolicySelector } from './policy.ts';
import type { Field, Reader } from './reader.ts';
import { type KnownNames, parseSelector } from './selector.ts';

/** Where a selector stands, for what only makes sense elsewhere. */
export type SelectorPlace = 'source' | 'destination' | 'approver' | 'tag owner' | 'test';

/** Reads a selector of `field`; `text` is what of it is the selector. Undefined when it is none, which is noted. */
export function readSelector(
  reader: Reader,
  field: Field,
  text: string,
  known: KnownNames,
  place: SelectorPlace,
): PolicySelector | undefined {
  const form = parseSelector(text, known);
  if ('code' in form) {
    reader.problem(form.code, field, form.message);
    return undefined;
  }
  const selector = { ...form, ...reader.place(field), written: text, field: field.name };
  if (isAtHome(selector, place)) return selector;
  reader.problem('SELECTOR_MISPLACED', field, `${text.slice(0, 100)} cannot be a ${place}`);
  return undefined;
}

/** The selectors of a list, without those that are wrong. */
export function readSelectors(
  reader: Reader,
  list: readonly Field[],
  known: KnownNames,
  place: SelectorPlace,
): PolicySelector[] {
  return list.flatMap((field) => {
    const text = reader.text(field);
    return (text === undefined ? undefined : readSelector(reader, field, text, known, place)) ?? [];
  });
}

/** Whether it names users, whatever devices they have. `*` does where only users can be meant. */
export function namesUsers(selector: PolicySelector): boolean {
  if (selector.kind === 'autogroup') return ['member', 'admin', 'owner'].includes(selector.name);
  return selector.kind === 'user' || selector.kind === 'group';
}

function isAtHome(selector: PolicySelector, place: SelectorPlace): boolean {
  if (place === 'destination') return true;
  if (place === 'tag owner') return namesUsers(selector);
  if (place === 'approver' && selector.kind === 'any') return false;
  return selector.kind !== 'autogroup' || (selector.name !== 'self' && selector.name !== 'internet');
}
