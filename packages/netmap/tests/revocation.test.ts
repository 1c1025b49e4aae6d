import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { canonicalKey, createRevocationSet, encodeBase64, isCanonicalKey } from '../src/index.ts';
import { aliasOf, publicOf, secret } from './keys.ts';
import { node } from './maps.ts';

const revocationOf = (number: number) => ({ nodeId: `n${number}`, nodeKey: encodeBase64(publicOf(secret(number))) });

test('a node is out by its id under another key, and by its key under another id', () => {
  const set = createRevocationSet();
  set.add([revocationOf(2)]);
  const { nodeKey } = revocationOf(2);
  assert.ok(set.has({ id: 'n2', nodeKey: revocationOf(3).nodeKey }));
  assert.ok(set.has({ id: 'n9', nodeKey }));
  assert.not.ok(set.has(node(3)));
});

test('class 18: a revoked key is out in every form that X25519 takes for it', () => {
  const set = createRevocationSet();
  // The key 5, whose other forms are those of 2^255 - 19 + 5, and of both with bit 255.
  const five = Uint8Array.from({ length: 32 }, (_, at) => (at === 0 ? 5 : 0));
  set.add([{ nodeId: 'n2', nodeKey: encodeBase64(five) }]);
  const above = Uint8Array.from({ length: 32 }, (_, at) => (at === 0 ? 0xed + 5 : at === 31 ? 0x7f : 0xff));
  for (const form of [five, above]) {
    for (const highBit of [0, 0x80]) {
      const written = form.slice();
      written[31]! |= highBit;
      assert.equal(canonicalKey(written), five);
      assert.ok(set.has({ id: 'n9', nodeKey: encodeBase64(written) }));
    }
  }
  assert.not.ok(set.has({ id: 'n9', nodeKey: encodeBase64(five.with(0, 6)) }));
});

test('class 18: the canonical form of a key is the key, and is its own', () => {
  for (let number = 1; number < 20; number++) {
    const key = publicOf(secret(number));
    assert.ok(isCanonicalKey(key));
    assert.equal(canonicalKey(key), key);
  }
  for (const alias of [aliasOf(publicOf(secret(1)))]) assert.equal(canonicalKey(alias), publicOf(secret(1)));
});

test('the list only grows, names each once, and has one hash whatever its order', () => {
  const [first, second] = [createRevocationSet(), createRevocationSet()];
  assert.is(first.hash, encodeBase64(new Uint8Array(32)));
  const all = [1, 2, 3].map(revocationOf);
  assert.equal(first.add([...all, all[0]!]), all);
  assert.equal(first.add(all), []);
  second.add([...all].reverse());
  assert.is(second.hash, first.hash);
  assert.is(second.entries.length, 3);
  second.add([revocationOf(4)]);
  assert.is.not(second.hash, first.hash);
});

test.run();
