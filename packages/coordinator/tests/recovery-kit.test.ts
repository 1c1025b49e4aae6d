import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { formatKitFile, formatKitPage, kitOf, parseKit } from '../src/recovery/kit.ts';
import { formatWords } from '../src/recovery/words.ts';
import { createSeededRandom, WALL_MS } from '../src/testing/accounts-rig.ts';

function root(seed = 1): Uint8Array {
  const bytes = new Uint8Array(32);
  createSeededRandom(seed)(bytes);
  return bytes;
}

function refusal(text: string): string {
  try {
    parseKit(text);
  } catch (error) {
    assert.is((error as { code: string }).code, 'KIT_INVALID');
    return (error as Error).message;
  }
  return assert.unreachable(text) as never;
}

// Of BIP-39's own test vectors, 256 bits: https://github.com/trezor/python-mnemonic/blob/master/vectors.json
const VECTORS: readonly (readonly [byte: number, words: string])[] = [
  [0x00, `${'abandon '.repeat(23)}art`],
  [
    0x7f,
    `${'legal winner thank year wave sausage worth useful '
      .repeat(3)
      .trim()
      .replace(/useful$/, 'title')}`,
  ],
  [0xff, `${'zoo '.repeat(23)}vote`],
];

for (const [byte, words] of VECTORS) {
  test(`bytes of 0x${byte.toString(16)} are the words of BIP-39's vector, and back`, () => {
    const bytes = new Uint8Array(32).fill(byte);
    assert.is(formatWords(bytes), words);
    assert.equal(parseKit(words).root, bytes);
  });
}

test('a kit comes back from its file, from its words, and from the words of its page', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const kit = kitOf(root(seed));
    assert.equal(parseKit(formatKitFile(kit)), kit, `seed ${seed}`);
    assert.equal(parseKit(formatWords(kit.root)), kit, `seed ${seed}`);
    const rows = formatKitPage(kit, WALL_MS).match(/^ +\d+ {2}[a-z]+ .*$/gm)!;
    assert.is(rows.length, 6);
    const numbered = rows.flatMap((row) => [...row.matchAll(/(\d+) {2}([a-z]+)/g)]);
    numbered.sort((a, b) => Number(a[1]) - Number(b[1]));
    assert.equal(parseKit(numbered.map(([each]) => each).join('\n')), kit, `seed ${seed}`);
  }
});

test('words are taken in any case, with numbers and line ends of any kind between them', () => {
  const kit = kitOf(root());
  const words = formatWords(kit.root).split(' ');
  const typed = words.map((word, at) => `${at + 1}. ${word.toUpperCase()}`).join('\r\n');
  assert.equal(parseKit(`\n  ${typed}\n`), kit);
});

test('a file with another line end, or more room around it, is the same', () => {
  const kit = kitOf(root());
  assert.equal(parseKit(`\r\n${formatKitFile(kit).replaceAll('\n', '\r\n')}\n\n`), kit);
});

test('a file in which any letter is another, or that is cut, is refused', () => {
  const text = formatKitFile(kitOf(root()));
  const from = text.indexOf('pcloud-recovery-kit');
  for (let at = from; at < text.length - 1; at++) {
    const other = text[at] === 'a' ? 'b' : 'a';
    refusal(text.slice(0, at) + other + text.slice(at + 1));
    refusal(text.slice(0, at));
  }
  const [network] = /network \S+/.exec(formatKitFile(kitOf(root(2))))!;
  refusal(text.replace(/network \S+/, network));
});

test('a file of a newer version says so', () => {
  const text = formatKitFile(kitOf(root())).replace('kit 1', 'kit 2');
  assert.match(refusal(text), 'version 2 is newer than this program');
});

test('wrong words are refused with what to look at, and without the words themselves', () => {
  const words = formatWords(root()).split(' ');
  assert.match(refusal(words.slice(0, 23).join(' ')), 'expected its file or 24 words, got 23');
  assert.match(refusal(words.with(6, 'pcloud').join(' ')), 'word 7 is none of the list');
  const swapped = words.with(0, words[1]!).with(1, words[0]!);
  const message = refusal(swapped.join(' '));
  assert.match(message, 'do not belong together');
  for (const word of new Set(words)) assert.not.match(refusal(words.slice(1).join(' ')), new RegExp(`\\b${word}\\b`));
  refusal('');
});

test('a page fits paper and says of which network it is', () => {
  const kit = kitOf(root());
  const page = formatKitPage(kit, WALL_MS);
  assert.match(page, kit.networkId);
  assert.match(page, '2023-11-14');
  for (const line of page.split('\n')) assert.ok(line.length <= 72, line);
});

test.run();
