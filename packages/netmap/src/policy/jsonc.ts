/**
 * JSON (RFC 8259) with comments and trailing commas, as values that know where they stand. Members of objects
 * are a list, so no name can be one that every object inherits, and one that stands twice is seen.
 */

/** `at` is an offset into the text, in UTF-16 code units. */
export type JsonValue =
  | { readonly kind: 'object'; readonly at: number; readonly members: readonly JsonMember[] }
  | { readonly kind: 'array'; readonly at: number; readonly items: readonly JsonValue[] }
  | { readonly kind: 'string'; readonly at: number; readonly value: string }
  | { readonly kind: 'number'; readonly at: number; readonly value: number }
  | { readonly kind: 'boolean'; readonly at: number; readonly value: boolean }
  | { readonly kind: 'null'; readonly at: number };

export interface JsonMember {
  readonly key: string;
  readonly at: number;
  readonly value: JsonValue;
}

/** What is wrong, and where. */
export interface JsonFault {
  readonly message: string;
  readonly at: number;
}

export type JsonResult = { readonly value: JsonValue } | { readonly fault: JsonFault };

/** Levels of objects and arrays within each other. */
export const MAX_JSON_DEPTH = 16;

const SPACE = /[\t\n\r ]+/y;
const LINE_COMMENT = /\/\/[^\n]*/y;
const BLOCK_COMMENT = /\/\*[\s\S]*?\*\//y;
const STRING = /"[^"\\\n\r]*(?:\\[^\n\r][^"\\\n\r]*)*"/y;
const WORD = /[-+.\w]+/y;
const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$/;

/** Reads one value and nothing behind it. A byte-order mark before it is let be. */
export function parseJsonc(text: string): JsonResult {
  let at = text.startsWith('\ufeff') ? 1 : 0;
  let fault: JsonFault | undefined;

  function fail(message: string, where = at): undefined {
    fault ??= { message, at: where };
  }

  function take(pattern: RegExp): string | undefined {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  }

  /** To the next character that counts; undefined at the end. */
  function peek(): string | undefined {
    while (take(SPACE) !== undefined || take(LINE_COMMENT) !== undefined || take(BLOCK_COMMENT) !== undefined);
    if (text.startsWith('/*', at)) fail('this comment does not end');
    return text[at];
  }

  function readValue(depth: number): JsonValue | undefined {
    const next = peek();
    const start = at;
    if (next === undefined) return fail('the text ends where a value is expected');
    if (next === '"') {
      const value = readString();
      return value === undefined ? undefined : { kind: 'string', at: start, value };
    }
    if (next === '{' || next === '[') {
      if (depth === MAX_JSON_DEPTH) return fail(`nested more than ${MAX_JSON_DEPTH} deep`);
      return next === '{' ? readObject(depth + 1) : readArray(depth + 1);
    }
    const word = take(WORD);
    if (word === 'true' || word === 'false') return { kind: 'boolean', at: start, value: word === 'true' };
    if (word === 'null') return { kind: 'null', at: start };
    if (word !== undefined && NUMBER.test(word)) return { kind: 'number', at: start, value: Number(word) };
    return fail(`expected a value, got ${shown(word ?? next)}`, start);
  }

  function readString(): string | undefined {
    const start = at;
    const literal = take(STRING);
    if (literal === undefined) return fail('this string does not end on its line');
    try {
      return JSON.parse(literal) as string;
    } catch {
      return fail('this string holds a control character or an unknown escape', start);
    }
  }

  function readObject(depth: number): JsonValue | undefined {
    const start = at++;
    const members: JsonMember[] = [];
    for (;;) {
      const next = peek();
      if (next === '}') break;
      const where = at;
      if (next !== '"') return fail(`expected a name in quotes or }, got ${shown(next)}`);
      const key = readString();
      if (key === undefined) return undefined;
      if (peek() !== ':') return fail(`expected : behind the name, got ${shown(text[at])}`);
      at++;
      const value = readValue(depth);
      if (value === undefined) return undefined;
      members.push({ key, at: where, value });
      if (!readComma('}')) return undefined;
    }
    at++;
    return { kind: 'object', at: start, members };
  }

  function readArray(depth: number): JsonValue | undefined {
    const start = at++;
    const items: JsonValue[] = [];
    while (peek() !== ']') {
      const value = readValue(depth);
      if (value === undefined) return undefined;
      items.push(value);
      if (!readComma(']')) return undefined;
    }
    at++;
    return { kind: 'array', at: start, items };
  }

  /** Takes a comma, or sees the end. */
  function readComma(end: string): boolean {
    const next = peek();
    if (next === ',') at++;
    else if (next !== end) fail(`expected , or ${end}, got ${shown(next)}`);
    return fault === undefined;
  }

  const value = readValue(0);
  const rest = peek();
  if (value !== undefined && rest !== undefined) fail(`expected nothing more, got ${shown(rest)}`);
  return fault === undefined ? { value: value! } : { fault };
}

function shown(text: string | undefined): string {
  return text === undefined ? 'the end of the text' : JSON.stringify(text.slice(0, 20));
}
