import type { JsonFault } from './jsonc.ts';

/** Switch on it; the sentence is for people. */
export type PolicyProblemCode =
  | 'SYNTAX'
  | 'TOO_LARGE'
  | 'TOO_MANY'
  | 'TYPE'
  | 'KEY_UNKNOWN'
  | 'KEY_TWICE'
  | 'KEY_MISSING'
  | 'NAME_INVALID'
  | 'NAME_UNKNOWN'
  | 'ADDRESS_INVALID'
  | 'SELECTOR_INVALID'
  /** A selector that is right elsewhere: `autogroup:self` as a source. */
  | 'SELECTOR_MISPLACED'
  | 'PORTS_INVALID'
  | 'PROTOCOL_INVALID'
  | 'ACTION_INVALID'
  /** Warnings. What nobody has is allowed nothing. */
  | 'GROUP_EMPTY'
  | 'MEMBER_UNKNOWN'
  | 'USER_UNKNOWN'
  | 'NODE_UNKNOWN'
  /** A host that is called like a user: the host is meant. */
  | 'HOST_HIDES_USER';

export interface PolicyProblem {
  readonly code: PolicyProblemCode;
  /** A sentence without the place. */
  readonly message: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 code units. */
  readonly column: number;
  /** `rules[0].dst[1]`; empty for the whole text. */
  readonly field: string;
  /** What stands there, where it is a name or a number. */
  readonly value?: string;
}

/** What is wrong with a text whose place somebody else knows. */
export interface Fault {
  readonly code: PolicyProblemCode;
  readonly message: string;
}

/** Where something stands in the text: both from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** `line 4, column 12, rules[0].dst[1]: expected …` */
export function formatProblem(problem: PolicyProblem): string {
  const field = problem.field === '' ? '' : `, ${problem.field}`;
  return `line ${problem.line}, column ${problem.column}${field}: ${problem.message}`;
}

/** Finds lines and columns of offsets into a text. */
export function createPlaces(text: string): (at: number) => Place {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (at) => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (starts[middle]! <= at) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: at - starts[low]! + 1 };
  };
}

export function syntaxProblem(fault: JsonFault, placeOf: (at: number) => Place): PolicyProblem {
  return { code: 'SYNTAX', message: fault.message, ...placeOf(fault.at), field: '' };
}
