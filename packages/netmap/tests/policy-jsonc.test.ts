import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type JsonValue, MAX_JSON_DEPTH, parseJsonc } from '../src/policy/jsonc.ts';

/** The value without its places. */
function plain(value: JsonValue): unknown {
  if (value.kind === 'null') return null;
  if (value.kind === 'array') return value.items.map(plain);
  if (value.kind !== 'object') return value.value;
  return Object.fromEntries(value.members.map((member) => [member.key, plain(member.value)]));
}

function read(text: string): unknown {
  const result = parseJsonc(text);
  if ('fault' in result) throw new Error(`${result.fault.at}: ${result.fault.message}`);
  return plain(result.value);
}

function fault(text: string): { readonly message: string; readonly at: number } {
  const result = parseJsonc(text);
  if ('value' in result) throw new Error(`${JSON.stringify(text)} was read`);
  return result.fault;
}

/** JSON with what may stand between its tokens, and a comma behind whatever may have one. */
function writeLoosely(value: unknown, gap: () => string): string {
  const list = (items: readonly string[]): string => items.join(`${gap()},`) + (items.length > 0 ? `${gap()},` : '');
  if (Array.isArray(value)) return `${gap()}[${list(value.map((item) => writeLoosely(item, gap)))}${gap()}]`;
  if (typeof value !== 'object' || value === null) return `${gap()}${JSON.stringify(value)}`;
  const members = Object.entries(value).map(
    ([key, member]) => `${gap()}${JSON.stringify(key)}${gap()}:${writeLoosely(member, gap)}`,
  );
  return `${gap()}{${list(members)}${gap()}}`;
}

const values = fc.jsonValue({ maxDepth: 5, noUnicodeString: false });

test('all JSON is read as JSON.parse reads it', () => {
  fc.assert(
    fc.property(values, fc.constantFrom(0, 2), (value, indent) => {
      const text = JSON.stringify(value, undefined, indent);
      assert.equal(read(text), JSON.parse(text));
    }),
  );
});

test('comments and trailing commas change nothing', () => {
  const gap = fc.constantFrom('', ' ', '\r\n\t', '// "a": [1,\n', '/* } */', '/**/', '/* a\n * b **/');
  fc.assert(
    fc.property(values, fc.infiniteStream(gap), (value, gaps) => {
      const text = writeLoosely(value, () => gaps.next().value as string);
      assert.equal(read(text), JSON.parse(JSON.stringify(value)));
    }),
  );
});

test('what JSON.parse refuses is refused, and the fault lies inside the text', () => {
  const pieces = [
    '{',
    '}',
    '[',
    ']',
    ':',
    ',',
    '"',
    '"a"',
    '\\',
    '1',
    '-',
    '01',
    '1.',
    'true',
    'nul',
    "'a'",
    ' ',
    '\u0001',
    '\u00a0',
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 8 }), (parts) => {
      const text = parts.join('');
      let isJson = true;
      try {
        JSON.parse(text);
      } catch {
        isJson = false;
      }
      const result = parseJsonc(text);
      if ('fault' in result) {
        assert.not(isJson, text);
        assert.ok(result.fault.at >= 0 && result.fault.at <= text.length, text);
      } else if (!isJson) assert.match(text, /,\s*[\]}]/, 'only a trailing comma is more than JSON');
    }),
    { numRuns: 5000 },
  );
});

test('a fault says what is wrong, and where', () => {
  const cases: readonly (readonly [text: string, at: number, message: RegExp])[] = [
    ['', 0, /ends where a value/],
    ['// only this', 12, /ends where a value/],
    ['{"a": }', 6, /expected a value, got "}"/],
    ['{"a" 1}', 5, /expected : behind the name, got "1"/],
    ['{"a": 1 "b": 2}', 8, /expected , or }, got/],
    ['[1 2]', 3, /expected , or \], got "2"/],
    ['[1,,2]', 3, /expected a value, got ","/],
    ['[,]', 1, /expected a value/],
    ['{,}', 1, /expected a name in quotes/],
    ["{'a': 1}", 1, /expected a name in quotes or }, got "'"/],
    ['{a: 1}', 1, /expected a name in quotes/],
    ['["a\n"]', 1, /does not end on its line/],
    ['["a', 1, /does not end/],
    ['["\\x"]', 1, /unknown escape/],
    ['["\t"]', 1, /control character/],
    ['[1] 2', 4, /nothing more/],
    ['[1] /* 2', 4, /comment does not end/],
    ['/* [1]', 0, /comment does not end/],
    ['[1', 2, /got the end of the text/],
    ['[01]', 1, /expected a value, got "01"/],
    ['[NaN]', 1, /got "NaN"/],
    ['[1] # 2', 4, /nothing more/],
  ];
  for (const [text, at, message] of cases) {
    assert.is(fault(text).at, at, text);
    assert.match(fault(text).message, message, text);
  }
});

test('a text of brackets alone ends at the depth that is allowed, not with the stack', () => {
  assert.match(fault('['.repeat(200_000)).message, /nested more than 16 deep/);
  assert.is(fault('{"a":'.repeat(40_000)).at, MAX_JSON_DEPTH * 5);
  assert.ok(read('['.repeat(MAX_JSON_DEPTH) + ']'.repeat(MAX_JSON_DEPTH)));
});

test('a byte-order mark before the text is let be, and elsewhere it is none', () => {
  assert.equal(read('\ufeff{}'), {});
  assert.is(fault('{\ufeff}').at, 1);
});

test('members named like what every object inherits are members like any other', () => {
  const result = parseJsonc('{"__proto__": 1, "constructor": 2, "a": 3, "a": 4}');
  if ('fault' in result || result.value.kind !== 'object') throw new Error('no object');
  assert.equal(
    result.value.members.map(({ key, at }) => [key, at]),
    [
      ['__proto__', 1],
      ['constructor', 17],
      ['a', 35],
      ['a', 43],
    ],
  );
});

test.run();
