import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isNodeName, MAX_NAME_LENGTH, toNodeName, uniqueName } from '../src/index.ts';

/** RFC 1035 section 2.3.1, and section 2.3.4 for the length. */
function isLabel(text: string): boolean {
  return text.length <= 63 && /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(text);
}

const wishes = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 100 }),
  fc.string({ unit: fc.constantFrom(...'abZ09-_. é☃ß0x'), maxLength: 100 }),
);

test('a host name becomes the label that people expect', () => {
  const names = {
    laptop: 'laptop',
    'Ada’s MacBook Pro': 'ada-s-macbook-pro',
    'box.example.org': 'box',
    Büro_PC: 'buro-pc',
    '--a--b--': 'a-b',
    ' printer\n': 'printer',
    'xn--bcher-kva': 'xn-bcher-kva',
    '': 'node',
    '...': 'node',
    服务器: 'node',
    '10': 'node-10',
    '0x7f': 'node-0x7f',
  };
  for (const [wish, name] of Object.entries(names)) assert.is(toNodeName(wish), name);
});

test('any wish becomes a DNS label, and the label stays itself', () => {
  fc.assert(
    fc.property(wishes, (wish) => {
      const name = toNodeName(wish);
      assert.ok(isLabel(name) && isNodeName(name), name);
      assert.is(toNodeName(name), name);
    }),
    { numRuns: 2000 },
  );
});

test('a very long wish costs no more than its beginning', () => {
  assert.is(toNodeName('x'.repeat(5_000_000)), 'x'.repeat(MAX_NAME_LENGTH));
});

test('names given one after the other are valid and all different', () => {
  fc.assert(
    fc.property(fc.array(wishes, { maxLength: 60 }), (all) => {
      const taken = new Set<string>();
      for (const wish of all) {
        const name = uniqueName(toNodeName(wish), taken);
        assert.ok(isLabel(name) && isNodeName(name), name);
        assert.not(taken.has(name));
        taken.add(name);
      }
    }),
  );
});

test('the second of a name gets a 2, and a long name makes room for it', () => {
  assert.is(uniqueName('pi', new Set()), 'pi');
  assert.is(uniqueName('pi', new Set(['pi'])), 'pi-2');
  assert.is(uniqueName('pi', new Set(['pi', 'pi-2', 'pi-4'])), 'pi-3');
  const long = 'x'.repeat(MAX_NAME_LENGTH);
  assert.is(uniqueName(long, new Set([long])), `${'x'.repeat(MAX_NAME_LENGTH - 2)}-2`);
});

test('what is no name is told', () => {
  for (const text of ['', '-a', 'a-', 'a.b', 'A', 'a_b', 'a--b', '7', '0x1f', 'x'.repeat(64), 'a\n', 'é']) {
    assert.not(isNodeName(text), text);
  }
});

test.run();
