import { ENDPOINT, parseEndpoint } from '@pcloud/ip';
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createRateLimiter } from '../src/ratelimiter.ts';

const record = (text: string): Int32Array => parseEndpoint(text)!;

test('a source has a burst of five, then one every 50 ms', () => {
  const limiter = createRateLimiter();
  const source = record('192.0.2.1:1000');
  for (let i = 0; i < 5; i++) assert.is(limiter.allow(source, 0, 0), true);
  assert.is(limiter.allow(source, 0, 0), false);
  assert.is(limiter.allow(source, 0, 49), false);
  assert.is(limiter.allow(source, 0, 50), true);
  assert.is(limiter.allow(source, 0, 50), false);
  assert.is(limiter.allow(source, 0, 100), true);
});

test('a refused packet costs nothing', () => {
  const limiter = createRateLimiter();
  const source = record('192.0.2.1:1000');
  for (let i = 0; i < 5; i++) limiter.allow(source, 0, 0);
  for (let now = 1; now < 50; now++) assert.is(limiter.allow(source, 0, now), false);
  assert.is(limiter.allow(source, 0, 50), true);
});

test('an idle source regains its burst and no more', () => {
  const limiter = createRateLimiter();
  const source = record('192.0.2.1:1000');
  for (let i = 0; i < 5; i++) limiter.allow(source, 0, 0);
  let allowed = 0;
  for (let i = 0; i < 10; i++) if (limiter.allow(source, 0, 900)) allowed++;
  assert.is(allowed, 5);
});

test('another port is the same source, another address is not', () => {
  const limiter = createRateLimiter();
  for (let i = 0; i < 5; i++) limiter.allow(record(`192.0.2.1:${i + 1}`), 0, 0);
  assert.is(limiter.allow(record('192.0.2.1:77'), 0, 0), false);
  assert.is(limiter.allow(record('192.0.2.2:77'), 0, 0), true);
});

test('IPv6 counts by /64', () => {
  const limiter = createRateLimiter();
  for (let i = 0; i < 5; i++) limiter.allow(record(`[2001:db8:0:1::${i}]:1`), 0, 0);
  assert.is(limiter.allow(record('[2001:db8:0:1:ffff::1]:1'), 0, 0), false);
  assert.is(limiter.allow(record('[2001:db8:0:2::1]:1'), 0, 0), true);
});

test('an IPv6 prefix that begins like an IPv4 address is another source', () => {
  const limiter = createRateLimiter();
  for (let i = 0; i < 6; i++) limiter.allow(record('32.1.0.0:1'), 0, 0);
  assert.is(limiter.allow(record('32.1.0.0:1'), 0, 0), false);
  assert.is(limiter.allow(record('[2001::1]:1'), 0, 0), true);
});

test('the record is read at its slot, and one without an address is refused', () => {
  const limiter = createRateLimiter();
  const table = new Int32Array(3 * ENDPOINT.WORDS);
  table.set(record('192.0.2.1:1'), 2 * ENDPOINT.WORDS);
  assert.is(limiter.allow(table, 1, 0), false);
  for (let i = 0; i < 5; i++) assert.is(limiter.allow(table, 2, 0), true);
  assert.is(limiter.allow(record('192.0.2.1:1'), 0, 0), false);
  assert.is(limiter.size, 1);
});

test('a source idle for over a second is forgotten on use, or when asked', () => {
  const limiter = createRateLimiter();
  for (let i = 0; i < 100; i++) limiter.allow(record(`10.0.0.${i}:1`), 0, i);
  assert.is(limiter.size, 100);
  limiter.collect(1_049);
  assert.is(limiter.size, 51);
  limiter.allow(record('10.0.1.1:1'), 0, 2_000);
  assert.is(limiter.size, 1);
});

test('a source in use is kept while older ones go', () => {
  const limiter = createRateLimiter();
  const kept = record('10.0.0.1:1');
  for (let i = 0; i < 5; i++) limiter.allow(kept, 0, 0);
  limiter.allow(record('10.0.0.2:1'), 0, 0);
  for (let now = 10; now <= 1_100; now += 10) limiter.allow(kept, 0, now);
  assert.is(limiter.size, 1);
  assert.is(limiter.allow(kept, 0, 1_101), false);
});

test('a full table refuses new sources, serves the known, and has room again after a second', () => {
  const limiter = createRateLimiter({ capacity: 10 });
  for (let i = 0; i < 10; i++) assert.is(limiter.allow(record(`10.0.0.${i}:1`), 0, 0), true);
  assert.is(limiter.allow(record('10.0.1.1:1'), 0, 1), false);
  assert.is(limiter.allow(record('10.0.0.3:1'), 0, 1), true);
  assert.is(limiter.size, 10);
  assert.is(limiter.allow(record('10.0.1.1:1'), 0, 1_002), true);
  assert.is(limiter.size, 1);
});

test('rate and burst can be others', () => {
  const limiter = createRateLimiter({ perSecond: 100, burst: 2 });
  const source = record('192.0.2.1:1000');
  const answers = [0, 0, 0, 9, 10, 11, 20].map((now) => limiter.allow(source, 0, now));
  assert.equal(answers, [true, true, false, false, true, false, true]);
});

test('any traffic has the answers of a map of buckets', () => {
  const sources = ['10.0.0.1:1', '10.0.0.2:1', '10.0.0.3:1', '[2001:db8::1]:1', '[2001:db8:0:1::1]:1'].map(record);
  const packet = fc.record({ source: fc.nat(sources.length - 1), wait: fc.constantFrom(0, 1, 10, 25, 50, 300, 1_200) });
  fc.assert(
    fc.property(fc.array(packet, { maxLength: 150 }), fc.integer(), (packets, seed) => {
      const limiter = createRateLimiter({ capacity: 4, seed });
      const buckets = new Map<number, { tokens: number; at: number }>();
      let now = 0;
      for (const { source, wait } of packets) {
        now += wait;
        for (const [key, bucket] of buckets) if (now - bucket.at > 1_000) buckets.delete(key);
        let bucket = buckets.get(source);
        let expected = false;
        if (bucket !== undefined || buckets.size < 4) {
          bucket ??= { tokens: 250, at: now };
          bucket.tokens = Math.min(250, bucket.tokens + now - bucket.at);
          bucket.at = now;
          buckets.set(source, bucket);
          expected = bucket.tokens >= 50;
          if (expected) bucket.tokens -= 50;
        }
        assert.is(limiter.allow(sources[source]!, 0, now), expected);
        assert.is(limiter.size, buckets.size);
      }
    }),
    { numRuns: 300 },
  );
});

test.run();
