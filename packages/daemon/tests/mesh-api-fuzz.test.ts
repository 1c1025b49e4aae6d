/** The local API takes what any program of the machine writes to it. */
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createLineLogger } from '../src/log.ts';
import { askDaemon } from '../src/mesh/api/client.ts';
import { createRoutes } from '../src/mesh/api/routes.ts';
import type { MeshCore } from '../src/mesh/mesh-core.ts';
import type { MeshDaemon } from '../src/mesh/start.ts';
import { createFakeClock } from '../src/testing/fake-clock.ts';
import { admitWith, createFakeControl, createMap, createNode } from '../src/testing/fake-control.ts';
import { createMeshRig } from '../src/testing/mesh-rig.ts';

const seed = process.env.PCLOUD_TEST_SEED === undefined ? {} : { seed: Number(process.env.PCLOUD_TEST_SEED) };
const clock = createFakeClock();
const control = createFakeControl();
const lines: string[] = [];
const log = createLineLogger('pcloud', 'error', (line) => void lines.push(line));
const rig = createMeshRig({ clock, control, log });
const runtimeDir = join(rig.directory, 'run');
const socketPath = join(runtimeDir, 'daemon.sock');
const routes = [...createRoutes({} as MeshCore, { probe: async () => 1, clock }, undefined).keys()];

let daemon: MeshDaemon;

test.before(async () => {
  admitWith(control, (key) => createMap(control, [createNode(1, key), createNode(2, new Uint8Array(32).fill(2))]));
  daemon = await rig.start();
  await daemon.join(control.target('t'));
});
test.after(() => rig.clean());

const word = fc.oneof(
  fc.constantFrom('node-2', '10.0.0.2', 'joined', 'peer', '', '\0', 'a\nb', 'https://x/join#', '203.0.113.1:1'),
  fc.string({ unit: 'binary', maxLength: 60 }),
);
const member = fc.constantFrom(
  'node',
  'for',
  'link',
  'target',
  'timeoutMs',
  'endpoint',
  'operation',
  'input',
  '__proto__',
);
const body = fc.oneof(
  fc
    .dictionary(member, fc.oneof(word, fc.jsonValue(), fc.constantFrom(0, -1, 1e9)))
    .map((value) => JSON.stringify(value)),
  fc.jsonValue().map((value) => JSON.stringify(value)),
  fc.nat(5_000).map((depth) => '['.repeat(depth)),
  word,
);

test('class 11: no body makes a route fail, and none makes it wait for ever', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...routes), body, async (route, text) => {
      const [method, path] = route.split(' ') as [string, string];
      const status = await new Promise<number>((resolve, reject) => {
        const asking = request({ socketPath, method, path, agent: false }, (response) => {
          response.resume();
          resolve(response.statusCode!);
        });
        asking.on('error', reject);
        asking.end(method === 'POST' ? text : undefined);
        // Whoever waits is let go by time alone.
        const tick = setInterval(() => clock.advance(100_000_000), 20);
        asking.on('close', () => clearInterval(tick));
      });
      assert.ok(status < 500, `${route} ${text}: ${status}`);
    }),
    { numRuns: 400, ...seed },
  );
  assert.equal(
    lines.filter((line) => line.includes('a request failed')),
    [],
  );
});

test('class 11: bytes of any kind end in an answer or an end, and others are served', async () => {
  // Among what was asked before may have been to leave.
  if (daemon.status().state !== 'up') await daemon.join(control.target('t'));
  const sample = Buffer.from('POST /whois HTTP/1.1\r\nhost: x\r\ncontent-length: 17\r\n\r\n{"node":"node-2"}');
  const change = fc.tuple(fc.nat(), fc.uint8Array({ maxLength: 8 }), fc.nat(20));
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 6 }), async (changes) => {
      let bytes = sample;
      for (const [at, added, removed] of changes) {
        const place = at % (bytes.length + 1);
        bytes = Buffer.concat([bytes.subarray(0, place), added, bytes.subarray(place + removed)]);
      }
      await new Promise<void>((resolve) => {
        const socket = connect(socketPath, () => socket.end(bytes));
        socket.on('error', () => {}).on('close', () => resolve());
        socket.resume();
      });
    }),
    { numRuns: 200, ...seed },
  );
  const found = (await askDaemon(runtimeDir, { method: 'POST', path: '/whois', input: { node: 'node-2' } })) as object;
  assert.is((found as { id: string }).id, 'n2');
});

test.run();
