import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createBench, key } from './uapi-fakes.ts';

const seed = process.env.PCLOUD_TEST_SEED === undefined ? {} : { seed: Number(process.env.PCLOUD_TEST_SEED) };
const NAMES = [
  ...['get', 'set', 'private_key', 'listen_port', 'fwmark', 'replace_peers', 'public_key', 'remove', 'update_only'],
  ...['preshared_key', 'endpoint', 'persistent_keepalive_interval', 'replace_allowed_ips', 'allowed_ip'],
  ...['protocol_version', 'nonsense', '', 'public_key '],
];
const value = fc.oneof(
  fc.constantFrom(
    '1',
    '0',
    'true',
    key(1),
    key(2),
    key(0),
    '10.0.0.0/24',
    '::/0',
    '-10.0.0.0/8',
    '192.0.2.1:1',
    '(none)',
  ),
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.nat().map(String),
  fc.constant('9'.repeat(400)),
);
const line = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constantFrom(...NAMES), value).map(([name, text]) => `${name}=${text}\n`) },
  { weight: 2, arbitrary: fc.constant('\n') },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
);

test('class 11: whatever is written, each operation is answered by an errno, and the next session works', async () => {
  const bench = createBench();
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 30 }), fc.nat(20), async (lines, cut) => {
      const session = bench.connect();
      const text = `set=1\n${lines.join('')}`;
      await session.write(text.slice(0, cut));
      if (!session.isClosed) await session.write(text.slice(cut));
      if (!session.isClosed) await session.end();
      for (const reply of session.replies) assert.match(reply, /(?:^|\n)errno=-?\d+\n\n$/);
      const next = bench.connect();
      await next.write('set=1\nlisten_port=77\n\nget=1\n\n');
      assert.is(next.replies[0], 'errno=0\n\n');
      assert.match(next.replies[1]!, /listen_port=77\n/);
    }),
    { numRuns: 500, ...seed },
  );
});

test('class 11: a line without an end is not kept for ever', async () => {
  const session = createBench().connect();
  const startedAt = performance.now();
  for (let i = 0; i < 2_000 && !session.isClosed; i++) await session.write('x'.repeat(1_000));
  assert.ok(session.isClosed);
  assert.ok(performance.now() - startedAt < 2_000);
});

test.run();
