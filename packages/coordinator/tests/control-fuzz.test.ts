/** Whatever a device says in its channel, or instead of one, it alone is ended by it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NodeMessage, PROTOCOL_VERSIONS } from '@pcloud/netmap';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createMemoryControl } from '../src/testing/memory-control.ts';

const seed = process.env.PCLOUD_TEST_SEED === undefined ? {} : { seed: Number(process.env.PCLOUD_TEST_SEED) };
const KEY = Buffer.alloc(32, 9).toString('base64');
const MESSAGES: readonly NodeMessage[] = [
  { kind: 'hello', versions: PROTOCOL_VERSIONS, program: 'x', serverSet: 0 },
  { kind: 'join', nodeKey: KEY, proof: KEY, token: 't', name: 'x', endpoints: ['192.0.2.1:1'] },
  { kind: 'join', nodeKey: KEY, proof: KEY, name: 'x', endpoints: [], map: { epoch: 1, revision: 1, hash: KEY } },
  { kind: 'endpoints', endpoints: ['192.0.2.1:1', '[2001:db8::1]:2'] },
  { kind: 'resync' },
  { kind: 'request', id: 1, operation: 'nodes.list', input: { a: [1] } },
  { kind: 'ping', id: 1 },
  { kind: 'pong', id: 1 },
];
const KINDS = ['hello', 'join', 'endpoints', 'resync', 'request', 'ping', 'pong'];

test('class 11: every kind of message of a device is among those that are tried', () => {
  assert.equal([...new Set(MESSAGES.map(({ kind }) => kind))].sort(), KINDS.sort());
});

const value = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom(Number.MAX_SAFE_INTEGER, -1, 1.5, '', '\u{1b}', 'x'.repeat(300), 'kitchen', '127.0.0.1:1', KEY),
);
/** A message as it should be, or with something else in one of its places. */
const message = fc.tuple(fc.constantFrom(...MESSAGES), fc.option(fc.tuple(fc.nat(), value))).map(([sample, change]) => {
  if (change === null) return sample;
  const keys = Object.keys(sample);
  return { ...sample, [keys[change[0] % keys.length]!]: change[1] } as NodeMessage;
});
const step = fc.oneof(
  message.map((said) => ({ said })),
  fc.uint8Array({ maxLength: 200 }).map((frame) => ({ frame })),
);

test('class 11, 20: no sequence of messages and frames disturbs anybody else, and what it leaves is sound', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'pcloud-control-fuzz-'));
  const control = await createMemoryControl(directory, {
    request: (_node, operation, input) =>
      operation === 'nodes.list' ? Promise.resolve(input) : Promise.reject(new Error(`${operation} \n`)),
  });
  const witness = control.addNode('witness');
  await control.settle();
  let pings = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 6 }), fc.boolean(), async (steps, isGreeted) => {
      const node = control.addNode(`fuzz-${pings}`, { source: `198.51.100.${pings % 250}` });
      if (isGreeted) await control.advance(50);
      for (const each of steps) {
        if (node.isClosed) break;
        try {
          if ('said' in each) node.send(each.said);
          else node.sendFrame(each.frame);
        } catch {
          // Its own end of the channel is over.
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
      pings += 1;
      witness.send({ kind: 'ping', id: pings });
      await control.advance(50);
      assert.is(witness.last('pong')?.id, pings);
      node.disconnect();
    }),
    { numRuns: 60, ...seed },
  );
  await control.advance(5_000);
  assert.equal([...control.server.connected.keys()].length, 1, 'all but the witness are gone');
  assert.is(witness.isClosed, false);
  assert.is(witness.mismatches, 0);
  for (const { endpoints } of witness.presence.values()) assert.ok(endpoints.length <= 32);
  await control.close();
  rmSync(directory, { recursive: true });
});

test.run();
