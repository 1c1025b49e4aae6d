import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { formatJoinLink, type JoinLink, NetmapError, parseJoinLink } from '../src/index.ts';
import { aliasOf, bytes32, crypto, publicOf, secret } from './keys.ts';

const LINK: JoinLink = {
  urls: ['https://192.0.2.7:8443', 'https://[2001:db8::1]:8443', 'https://home.example'],
  networkId: secret(1),
  channelKey: publicOf(secret(2)),
  token: 'mzxw6ytboi2dgnbvgy3tqojq',
};
const TEXT = formatJoinLink(LINK);
const FIELDS = ['url', 'version', 'networkId', 'channelKey', 'token', 'urls', 'checksum'];

/** The fault of a text that is no link; anything else fails the test. */
function fault(text: string): NetmapError {
  const result = parseJoinLink(text);
  if (!(result instanceof NetmapError)) throw new Error(`${JSON.stringify(text)} was taken for a link`);
  assert.ok(FIELDS.includes(result.field ?? ''), `a field is named, not ${result.field}`);
  assert.not(result.message.includes(LINK.token));
  return result;
}

const links: fc.Arbitrary<JoinLink> = fc.record(
  {
    urls: fc.array(
      fc
        .tuple(
          fc.constantFrom('host', 'a.example', '10.0.0.1', '[fd00::1]', 'xn--bcher-kva.example'),
          fc.option(fc.integer({ min: 1, max: 65_535 }).filter((port) => port !== 443)),
        )
        .map(([host, port]) => (port === null ? `https://${host}` : `https://${host}:${port}`)),
      { minLength: 1, maxLength: 8 },
    ),
    networkId: bytes32,
    channelKey: bytes32.map((key) => crypto.publicKey(key)),
    token: fc.stringMatching(/^[A-Za-z0-9_-]{1,200}$/),
  },
  { noNullPrototype: true },
);

test('a link says everything that went into it', () => {
  fc.assert(fc.property(links, (link) => assert.equal(parseJoinLink(formatJoinLink(link)), link)));
});

test('everything secret is behind the #, which no server is sent', () => {
  assert.is(TEXT.slice(0, TEXT.indexOf('#')), 'https://192.0.2.7:8443/join');
  assert.is(new URL(TEXT).hash, TEXT.slice(TEXT.indexOf('#')));
});

test('a link for one address has the form that is documented', () => {
  const text = formatJoinLink({ ...LINK, urls: ['https://192.0.2.7:443/'] });
  assert.match(text, /^https:\/\/192\.0\.2\.7\/join#v=1&n=[a-z2-7]{52}&k=[\w-]{43}&t=[\w-]+&c=[\w-]{16}$/);
});

test('white space around a link is let be', () => {
  for (const text of [` ${TEXT}`, `${TEXT}\n`, `\t${TEXT}\r\n `, `\ufeff${TEXT}`])
    assert.equal(parseJoinLink(text), LINK);
});

test('quotes around a link, as it is copied from a command line, are let be', () => {
  for (const text of [`'${TEXT}'`, `"${TEXT}"\r\n`, ` \`${TEXT}\` `, `<${TEXT}>`])
    assert.equal(parseJoinLink(text), LINK);
  for (const text of [`'${TEXT}`, `${TEXT}"`, `'${TEXT}"`, `''${TEXT}''`, "'", '""']) fault(text);
});

test('a host means the same in capitals', () => {
  const link = { ...LINK, urls: ['https://home.example:8443'] };
  const text = formatJoinLink(link);
  assert.equal(parseJoinLink(text.replace('https://home.example', 'HTTPS://Home.EXAMPLE')), link);
});

/** Of a link, what stays the same when the case of scheme and host does not count. */
function sameAs(text: string): string {
  const hash = text.indexOf('#');
  return text.slice(0, hash).toLowerCase() + text.slice(hash);
}

test('a link cut anywhere, at either end, is told from a whole one', () => {
  for (let length = 0; length < TEXT.length; length++) {
    assert.is(fault(TEXT.slice(0, length)).code, 'LINK_INVALID');
    fault(TEXT.slice(TEXT.length - length));
  }
});

test('a link with any one character changed, left out or doubled is told from a true one', () => {
  for (let i = 0; i < TEXT.length; i++) {
    const [before, character, after] = [TEXT.slice(0, i), TEXT[i]!, TEXT.slice(i + 1)];
    const swapped = character === character.toUpperCase() ? character.toLowerCase() : character.toUpperCase();
    for (const other of [
      'a',
      'B',
      '3',
      '-',
      '_',
      '&',
      '=',
      '#',
      ',',
      ' ',
      '\n',
      '%',
      'é',
      '\0',
      '',
      swapped,
      character + character,
    ]) {
      const changed = before + other + after;
      if (sameAs(changed.trim()) !== sameAs(TEXT)) fault(changed);
    }
  }
});

test('a change of any kind in any place is recognised', () => {
  fc.assert(
    fc.property(links, fc.nat(), fc.string({ unit: 'binary', maxLength: 3 }), fc.nat(3), (link, at, insert, remove) => {
      const text = formatJoinLink(link);
      const i = at % text.length;
      const changed = text.slice(0, i) + insert + text.slice(i + remove);
      if (sameAs(changed.trim()) !== text) assert.instance(parseJoinLink(changed), NetmapError);
    }),
    { numRuns: 2000 },
  );
});

test('the field that is wrong is named', () => {
  const replace = (from: string | RegExp, to: string): string => TEXT.replace(from, to);
  const cases: readonly (readonly [string, string])[] = [
    ['', 'url'],
    ['pcloud up', 'url'],
    [replace('https', 'http'), 'url'],
    [replace('/join', '/invite'), 'url'],
    [replace('https://', 'https://user:secret@'), 'url'],
    [replace('&k=', '&n=&k='), 'url'],
    [replace('v=1&', ''), 'version'],
    [replace('v=1', 'v=one'), 'version'],
    [replace(/n=../, 'n='), 'networkId'],
    [replace(/n=\w/, 'n=1'), 'networkId'],
    [replace(/k=../, 'k='), 'channelKey'],
    [replace(/k=[\w-]{43}/, `k=${'_'.repeat(42)}8`), 'channelKey'],
    [replace(/t=[^&]*/, 't='), 'token'],
    [replace(/t=[^&]*/, 't=two words'), 'token'],
    [replace('&s=https', '&s=ftp'), 'urls'],
    [replace('&s=', `&s=${'https://a,'.repeat(8)}`), 'urls'],
    [replace(/&c=.*/, ''), 'checksum'],
    [replace('192.0.2.7', '192.0.2.8'), 'checksum'],
    [`${TEXT}${'x'.repeat(4096)}`, 'url'],
  ];
  for (const [text, field] of cases) assert.is(fault(text).field, field, text);
});

test('a link of a newer version says that the program is too old', () => {
  assert.is(fault(TEXT.replace('v=1', 'v=2')).code, 'LINK_VERSION_UNSUPPORTED');
});

test('what cannot stand in a link is refused by name when it is made', () => {
  const wrong: readonly (readonly [Partial<JoinLink>, RegExp])[] = [
    [{ urls: [] }, /urls/],
    [{ urls: Array<string>(9).fill('https://a') }, /urls/],
    [{ urls: ['http://a'] }, /urls/],
    [{ urls: ['https://a/path'] }, /urls/],
    [{ token: '' }, /token/],
    [{ token: 'a&b=c' }, /token/],
    [{ token: 'x'.repeat(201) }, /token/],
    [{ networkId: new Uint8Array(31) }, /networkId/],
    [{ channelKey: new Uint8Array(31) }, /channelKey/],
    [{ channelKey: aliasOf(LINK.channelKey) }, /channelKey/],
  ];
  for (const [change, message] of wrong) assert.throws(() => formatJoinLink({ ...LINK, ...change }), message);
});

test('text of any kind is a fault, never a throw', () => {
  const part = fc.constantFrom(
    'https://a/join#',
    'v=1',
    'n=',
    'k=',
    't=x',
    's=https://',
    'c=',
    '&',
    ',',
    '#',
    '[',
    '%',
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(part).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, (any) => assert.instance(parseJoinLink(any), NetmapError)),
    { numRuns: 1000 },
  );
});

test.run();
