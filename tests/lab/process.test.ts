import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { run } from './process.ts';

test('a command that takes too long is ended with all that it started, and named', async () => {
  const startedAt = performance.now();
  const error = await run([], 'sleep 60 | sleep 61; echo never', { timeoutMs: 200 }).catch((thrown) => thrown);
  assert.match(error.message, /^no end after 200 ms: sh -c sleep 60/);
  assert.ok(performance.now() - startedAt < 10_000);
});

test.run();
