/** Whatever comes over HTTP is answered by a refusal, soon, and the next who asks is answered as before. */
import { connect } from 'node:net';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MAX_BODY_BYTES } from '../src/http/body.ts';
import { csrfToken } from '../src/http/csrf.ts';
import { createEchoControl, createHttpRig, HOST, type HttpRig, INSIDE, ORIGIN, startService } from './http-rig.ts';

const seed = process.env.PCLOUD_TEST_SEED === undefined ? {} : { seed: Number(process.env.PCLOUD_TEST_SEED) };
const JSON_TYPE = 'application/json';
const FORM_TYPE = 'application/x-www-form-urlencoded';
const NASTY = [
  '',
  '\0',
  '%',
  '%00',
  '%ff',
  '../..',
  'a\nb',
  '\u{1b}[2J',
  '{{',
  '__proto__',
  'é',
  '😀',
  'x'.repeat(5_000),
];

const word = fc.oneof(fc.constantFrom(...NASTY), fc.string({ unit: 'binary', maxLength: 40 }), fc.string());
const json = fc.oneof(
  fc.jsonValue().map((value) => JSON.stringify(value)),
  fc
    .dictionary(
      fc.constantFrom('user', 'node', 'name', 'role', 'password', 'id', 'code', 'tags', 'limit', 'expiresInMs', 'link'),
      fc.oneof(word, fc.jsonValue(), fc.array(word)),
    )
    .map((value) => JSON.stringify(value)),
  fc.nat(3_000).map((depth) => '['.repeat(depth) + ']'.repeat(depth)),
  word,
);
const form = fc
  .array(fc.tuple(fc.constantFrom('name', 'password', 'again', 'code', 'decision', 'node', 'id', 'current'), word))
  .map((fields) => new URLSearchParams(fields).toString());

/** The session's owner, with all that lets a request in. */
async function signIn({ rig }: HttpRig): Promise<string> {
  const owner = await rig.addUser('ann', 'owner');
  await rig.addUser('bob', 'owner');
  return (await rig.sessions.begin(owner, { source: '127.0.0.1', program: 'fuzz' })).secret;
}

test('class 11: no body, path or header makes a route or an operation fail, signed in or not', async () => {
  const rig = await createHttpRig({ openRegistration: true });
  let secret = await signIn(rig);
  const operations = rig.deps.operations.names().map(({ name }) => `/api/v1/${name}`);
  const routes = rig.app.routes
    .filter(({ method }) => method !== 'ALL')
    .flatMap(({ method, path }) =>
      (path.includes(':operation') ? operations : [path]).map((each) => ({ method, each })),
    );
  const request = fc.record({
    route: fc.constantFrom(...routes),
    part: word,
    tail: fc.oneof(fc.constant(''), word),
    content: fc.tuple(json, form, word),
    isSignedIn: fc.boolean(),
    type: fc.constantFrom(JSON_TYPE, FORM_TYPE, 'text/plain', ''),
  });
  await fc.assert(
    fc.asyncProperty(request, async ({ route: { method, each }, part, tail, content, isSignedIn, type }) => {
      const path = each.replace(/:\w+/g, encodeURIComponent(Buffer.from(part).toString()));
      const isApi = path.startsWith('/api');
      const [jsonBody, formBody, anything] = content;
      const csrf = csrfToken(secret);
      const body = type === '' ? anything : isApi ? jsonBody : `csrf=${encodeURIComponent(csrf)}&${formBody}`;
      const response = await rig.app.request(
        new Request(
          new URL(path, ORIGIN).href + (tail === '' ? '' : `?${encodeURIComponent(Buffer.from(tail).toString())}`),
          {
            method,
            headers: {
              host: HOST,
              'content-type': type === '' ? (isApi ? JSON_TYPE : FORM_TYPE) : type,
              ...(isSignedIn && { cookie: `__Host-pcloud-session=${secret}`, 'x-csrf-token': csrf }),
            },
            ...(method === 'POST' && { body }),
          },
        ),
        {},
        { connection: INSIDE } as never,
      );
      const text = await response.text();
      assert.ok(response.status < 500, `${method} ${path}: ${response.status} ${text}`);
      // Who ended their own session or account goes on as another.
      if (isSignedIn && response.status === 401) {
        const user = await rig.rig.users.create(
          { kind: 'root' },
          { name: `u${Math.trunc(performance.now() * 1e3)}`, role: 'owner', password: 'a password of many words' },
        );
        secret = (await rig.rig.sessions.begin(user, { source: '127.0.0.1', program: 'fuzz' })).secret;
      }
    }),
    { numRuns: 1_500, ...seed },
  );
  assert.equal(
    rig.lines.filter(({ event }) => event === 'a request failed'),
    [],
  );
});

test('class 11: a body of quotes, escapes or brackets of any kind takes no time', async () => {
  const rig = await createHttpRig();
  const secret = await signIn(rig);
  for (const sign of ['"', '\\"', '"\\', '[', '{"":', '[]', '"",', '\\', '{"a":"\\']) {
    const body = sign.repeat(Math.floor(MAX_BODY_BYTES / sign.length));
    const startedAt = performance.now();
    const response = await rig.app.request(
      `${ORIGIN}/api/v1/users.list`,
      {
        method: 'POST',
        body,
        headers: {
          host: HOST,
          'content-type': JSON_TYPE,
          cookie: `__Host-pcloud-session=${secret}`,
          'x-csrf-token': csrfToken(secret),
        },
      },
      { connection: INSIDE },
    );
    assert.is(response.status, 400, sign);
    // It took a second for each of these before.
    assert.ok(performance.now() - startedAt < 300, `${sign}: ${performance.now() - startedAt} ms`);
  }
});

test('class 11: bytes of any kind on the port end in an answer or an end, and others are served', async () => {
  const rig = await createHttpRig();
  const { service, close } = await startService(rig, createEchoControl());
  const port = service.consolePort;
  const talk = (bytes: Uint8Array): Promise<string> =>
    new Promise((resolve) => {
      let text = '';
      const socket = connect(port, '127.0.0.1', () => socket.end(bytes));
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1');
      });
      socket.on('error', () => {});
      socket.on('close', () => resolve(text));
    });
  const healthy = Buffer.from(`GET /healthz HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`);
  const upgrade = `GET /control HTTP/1.1\r\nHost: ${HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`;
  const frame = Buffer.from([0x82, 0x85, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const samples = [
    healthy,
    Buffer.from(`POST /sign-in HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 5\r\nConnection: close\r\n\r\na=b&c`),
    Buffer.from(`POST /sign-in HTTP/1.1\r\nHost: ${HOST}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`),
    Buffer.concat([Buffer.from(upgrade), frame, Buffer.from([0x89, 0x80, 0, 0, 0, 0]), frame]),
  ];
  const change = fc.tuple(fc.nat(), fc.uint8Array({ maxLength: 8 }), fc.nat(20));
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...samples), fc.array(change, { maxLength: 6 }), async (sample, changes) => {
      let bytes = Buffer.from(sample);
      for (const [at, added, removed] of changes) {
        const place = at % (bytes.length + 1);
        bytes = Buffer.concat([bytes.subarray(0, place), added, bytes.subarray(place + removed)]);
      }
      await talk(bytes);
    }),
    { numRuns: 300, ...seed },
  );
  assert.match(await talk(healthy), /^HTTP\/1\.1 200/);
  assert.equal(
    rig.lines.filter(({ event }) => event === 'a request failed'),
    [],
  );
  await close();
});

test.run();
