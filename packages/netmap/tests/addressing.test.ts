import { formatPrefix, type Prefix, parseAddress, parsePrefix, prefixContains, prefixesOverlap } from '@pcloud/ip';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  ADDRESS_REST_MS,
  addressOf,
  CANDIDATE_NETWORKS,
  firstFreeNetwork,
  indexCapacity,
  indexOf,
  isIndexFree,
  nextFreeIndex,
  ulaFor,
} from '../src/index.ts';
import { secret } from './keys.ts';

const prefix = (text: string): Prefix => parsePrefix(text)!;
const DEFAULT = prefix('10.0.0.0/16');

test('candidate networks are prefixes as written, and none overlaps another', () => {
  assert.is(CANDIDATE_NETWORKS[0], '10.0.0.0/16');
  const all = CANDIDATE_NETWORKS.map(prefix);
  assert.equal(all.map(formatPrefix), [...CANDIDATE_NETWORKS]);
  for (const [i, one] of all.entries()) for (const other of all.slice(i + 1)) assert.not(prefixesOverlap(one, other));
});

test('the first candidate that overlaps nothing taken is chosen', () => {
  const chosen = (...taken: string[]): string | undefined => {
    const network = firstFreeNetwork(taken.map(prefix));
    return network && formatPrefix(network);
  };
  assert.is(chosen(), '10.0.0.0/16');
  assert.is(chosen('192.168.0.0/16', 'fd00::/8'), '10.0.0.0/16');
  assert.is(chosen('10.0.0.0/24'), '10.77.0.0/16');
  assert.is(chosen('10.0.255.1', '10.77.3.0/24'), '10.99.0.0/16');
  assert.is(chosen('10.0.0.0/8'), '172.30.0.0/16');
  assert.is(chosen('0.0.0.0/0'), undefined);
});

test('the IPv6 prefix is a ULA /64 of the network’s id', () => {
  const ula = ulaFor(secret(1));
  assert.ok(prefixContains(prefix('fd00::/8'), ula.address));
  assert.is(ula.length, 64);
  assert.is.not(formatPrefix(ula), formatPrefix(ulaFor(secret(2))));
  assert.equal(parsePrefix(formatPrefix(ula)), ula);
});

test('the first server has the first address, in IPv4 and IPv6', () => {
  assert.is(addressOf(DEFAULT, 1), '10.0.0.1');
  assert.is(addressOf(DEFAULT, 256), '10.0.1.0');
  assert.is(addressOf(DEFAULT, 65_534), '10.0.255.254');
  assert.is(addressOf(prefix('fd12:3456:789a::/64'), 1), 'fd12:3456:789a::1');
  assert.is(addressOf(prefix('10.0.0.128/25'), 1), '10.0.0.129');
});

test('network, broadcast and what lies outside are no node’s addresses', () => {
  for (const index of [0, -1, 65_535, 65_536, 1.5, Number.NaN]) {
    assert.throws(
      () => addressOf(DEFAULT, index),
      (error: { code: string }) => error.code === 'INVALID_VALUE',
    );
  }
  for (const text of ['10.0.0.0', '10.0.255.255', '10.1.0.1', 'fd00::1', 'x', '']) {
    assert.is(indexOf(DEFAULT, text), undefined);
  }
  assert.is(indexOf(prefix('fd00::/64'), 'fd00::1:0:0:1'), undefined);
  assert.equal(
    ['/32', '/31', '/30', '/8'].map((length) => indexCapacity(prefix(`10.0.0.0${length}`))),
    [0, 0, 2, 16_777_214],
  );
});

test('address and index are each other’s', () => {
  const prefixes = fc
    .constantFrom('10.0.0.0/16', '10.0.0.64/26', '10.0.0.0/8', 'fd12::/64', 'fd12::ff00/120')
    .map(prefix);
  fc.assert(
    fc.property(prefixes, fc.nat(), (network, any) => {
      const index = 1 + (any % indexCapacity(network));
      const address = addressOf(network, index);
      assert.ok(prefixContains(network, parseAddress(address)!));
      assert.is(indexOf(network, address), index);
    }),
  );
});

/** Nodes come and go while time passes; a model remembers who had what until when. */
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ act: fc.constant('join' as const) }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('leave' as const), which: fc.nat() }) },
  {
    weight: 2,
    arbitrary: fc.record({ act: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: ADDRESS_REST_MS }) }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('back' as const), ms: fc.nat(ADDRESS_REST_MS) }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('static' as const), index: fc.integer({ min: 1, max: 14 }) }) },
);

test('no address is given twice, nor one that rests, and none is withheld', () => {
  const network = prefix('10.0.0.0/28');
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const taken = new Set<number>();
      const freedAtMs = new Map<number, number>();
      let wallMs = 1_800_000_000_000;
      const mayHave = (index: number): boolean =>
        !taken.has(index) && !(freedAtMs.has(index) && wallMs < freedAtMs.get(index)! + ADDRESS_REST_MS);
      const give = (index: number): void => {
        taken.add(index);
        freedAtMs.delete(index);
      };
      for (const one of steps) {
        const use = { taken, freedAtMs };
        if (one.act === 'wait') wallMs += one.ms;
        if (one.act === 'back') wallMs -= one.ms;
        if (one.act === 'static' && isIndexFree(one.index, use, wallMs)) {
          assert.ok(mayHave(one.index));
          give(one.index);
        }
        if (one.act === 'leave' && taken.size > 0) {
          const index = [...taken][one.which % taken.size]!;
          taken.delete(index);
          freedAtMs.set(index, wallMs);
        }
        if (one.act === 'join') {
          const all = Array.from({ length: 14 }, (_, i) => i + 1);
          const index = nextFreeIndex(network, use, wallMs);
          assert.is(index, all.find(mayHave));
          if (index !== undefined) give(index);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('an address rests for a week to the millisecond, and on under a clock that went back', () => {
  const use = { taken: new Set<number>(), freedAtMs: new Map([[1, 1000]]) };
  assert.not(isIndexFree(1, use, 1000 + ADDRESS_REST_MS - 1));
  assert.ok(isIndexFree(1, use, 1000 + ADDRESS_REST_MS));
  assert.not(isIndexFree(1, use, 0));
  assert.is(nextFreeIndex(DEFAULT, use, 1000), 2);
});

test.run();
