import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  applyDelta,
  canonicalJson,
  decodeServerMessage,
  diffMaps,
  encodeBase64,
  hashMap,
  type MapDelta,
  type NetworkMap,
  readMapMessage,
  writeMapMessage,
} from '../src/index.ts';
import { secret } from './keys.ts';
import { mapOf, NETWORK, node, step } from './maps.ts';

/** The same map in objects that nobody has hashed before. */
function fresh(map: NetworkMap): NetworkMap {
  return { ...structuredClone({ ...map, nodes: undefined }), nodes: structuredClone(map.nodes) as NetworkMap['nodes'] };
}

const START = mapOf(1, [node(2), node(3)]);

test('a delta between any two moments gives the later map, and its hash is that of the whole', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.array(fc.nat(), { maxLength: 5 }), (steps, stops) => {
      const maps = [START];
      for (const next of steps) maps.push(next(maps.at(-1)!));
      let held = fresh(START);
      const moments = [...stops.map((stop) => stop % maps.length), maps.length - 1].sort((a, b) => a - b);
      for (const moment of moments) {
        const target = maps[moment]!;
        const wire = decodeServerMessage(JSON.stringify({ kind: 'delta', ...diffMaps(held, target)! }));
        if (wire?.kind !== 'delta') throw new Error('the delta is no message');
        const before = fresh(held);
        const after = applyDelta(held, wire);
        assert.equal(after, target);
        assert.is(hashMap(after!), hashMap(fresh(target)));
        assert.equal(held, before);
        held = after!;
      }
    }),
  );
});

test('a delta names what changed and nothing else', () => {
  const later = mapOf(2, [node(2), node(3, { name: 'other' }), node(4)]);
  const { changed, removed, ...rest } = diffMaps(mapOf(1, [node(2), node(3), node(5)]), later)!;
  assert.equal(changed, [node(3, { name: 'other' }), node(4)]);
  assert.equal(removed, ['n5']);
  assert.equal(rest, { epoch: 1, from: 1, to: 2, hash: hashMap(later) });
});

test('a delta of another epoch or from another revision gives undefined', () => {
  const delta = diffMaps(START, mapOf(2, [node(2)]))!;
  assert.ok(applyDelta(START, delta));
  for (const wrong of [{ epoch: 2 }, { epoch: 0 }, { from: 0 }, { from: 2 }, { to: 0 }]) {
    assert.is(applyDelta(START, { ...delta, ...wrong }), undefined);
  }
});

test('a delta that does not give the map it promises gives undefined', () => {
  const delta = diffMaps(START, mapOf(2, [node(2), node(4)], { self: node(1, { name: 'me' }) }))!;
  const { self, ...withoutSelf } = delta;
  assert.ok(self);
  const wrong: readonly MapDelta[] = [
    withoutSelf,
    { ...delta, hash: encodeBase64(secret(1)) },
    { ...delta, hash: 'x' },
    { ...delta, changed: [] },
    { ...delta, changed: [node(4, { name: 'other' })] },
    { ...delta, removed: [] },
    { ...delta, removed: ['n3', 'n2'] },
    { ...delta, network: { ...NETWORK, domain: 'other' } },
  ];
  for (const one of wrong) assert.is(applyDelta(START, one), undefined);
});

test('oneself among the others gives undefined', () => {
  const later = mapOf(2, [node(1, { role: 'server' })]);
  assert.is(applyDelta(mapOf(1, []), { ...diffMaps(mapOf(1, []), later)! }), undefined);
});

test('no delta leads to another epoch or back', () => {
  assert.is(diffMaps(START, { ...START, epoch: 2 }), undefined);
  assert.is(diffMaps(mapOf(2, []), mapOf(1, [])), undefined);
});

test('a delta of nothing leads from a map to itself', () => {
  assert.equal(applyDelta(START, diffMaps(START, START)!), START);
});

test('what a delta costs follows what changed, not the size of the map', () => {
  let reads = 0;
  const counted = Array.from({ length: 500 }, (_, i) =>
    Object.defineProperty(node(i + 2), 'name', { enumerable: true, get: () => `node-${++reads && i}` }),
  );
  const whole = mapOf(1, counted);
  hashMap(whole);
  assert.is(reads, counted.length);
  let map = whole;
  for (let revision = 2; revision < 20; revision++) {
    const nodes = new Map(map.nodes).set('n9', node(9, { name: `name-${revision}` }));
    map = applyDelta(map, diffMaps(map, { ...map, revision, nodes })!)!;
  }
  assert.is(map.revision, 19);
  assert.is(reads, counted.length);
});

test('the hash of a map depends on each of its entries, and not on their order or members’ order', () => {
  const one = hashMap(mapOf(1, [node(2), node(3)]));
  assert.is(hashMap(mapOf(7, [node(3), node(2)])), one);
  const { id, ...rest } = node(2);
  assert.is(hashMap(mapOf(1, [{ ...rest, id }, node(3)])), one);
  const others = [
    mapOf(1, [node(2)]),
    mapOf(1, [node(2), node(3), node(4)]),
    mapOf(1, [node(2), node(3, { tags: ['a'] })]),
    mapOf(1, [node(2), node(3)], { self: node(4) }),
    mapOf(1, [node(2), node(3)], { network: { ...NETWORK, relays: ['https://r'] } }),
  ];
  assert.is(new Set([one, ...others.map(hashMap)]).size, 1 + others.length);
});

test('the same entry counts otherwise as oneself than as another', () => {
  const swapped = mapOf(1, [node(1, { role: 'server' })], { self: node(2) });
  assert.is.not(hashMap(swapped), hashMap(mapOf(1, [node(2)])));
});

test('a map comes back whole from its message, and not from an altered one', () => {
  const message = writeMapMessage(START);
  const wire = decodeServerMessage(JSON.stringify(message));
  if (wire?.kind !== 'map') throw new Error('the map is no message');
  assert.equal(readMapMessage(wire), START);
  assert.is(readMapMessage({ ...message, nodes: [node(2)] }), undefined);
  assert.is(readMapMessage({ ...message, nodes: [...message.nodes, node(2)] }), undefined);
  assert.is(readMapMessage({ ...message, hash: encodeBase64(secret(1)) }), undefined);
  const withSelf = writeMapMessage(mapOf(1, [node(1, { role: 'server' })]));
  assert.is(readMapMessage(withSelf), undefined);
});

test('canonical JSON sorts members, leaves out what is undefined, and reads back equal', () => {
  assert.is(
    canonicalJson({ b: [1, { d: null, c: 'é"' }], a: undefined, A: true }),
    '{"A":true,"b":[1,{"c":"é\\"","d":null}]}',
  );
  fc.assert(
    fc.property(fc.json(), (text) => {
      const value: unknown = JSON.parse(text);
      const canonical = canonicalJson(value);
      assert.equal(JSON.parse(canonical), JSON.parse(JSON.stringify(value)));
      assert.is(canonicalJson(JSON.parse(canonical)), canonical);
    }),
  );
});

test.run();
