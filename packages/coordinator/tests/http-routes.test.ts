import { encodeBase64, formatNetworkId } from '@pcloud/netmap';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { UserRecord } from '../src/accounts/index.ts';
import { createHttpApp, type HttpApp } from '../src/http/app.ts';
import type { Connection } from '../src/http/connection.ts';
import { csrfToken } from '../src/http/csrf.ts';
import type { Role } from '../src/operations/operation.ts';
import { StoreError } from '../src/store/index.ts';
import { createHttpRig, HOST, type HttpRig, INSIDE, NETWORK, ORIGIN, OUTSIDE, PLAIN, UNIX } from './http-rig.ts';

const RANK: Readonly<Record<Role, number>> = { member: 0, admin: 1, owner: 2 };
/** Those that answer without a session; every other route must not. */
const OPEN_ROUTES = new Set([
  'GET /healthz',
  'GET /control',
  'GET /join/server',
  'GET /style.css',
  'GET /sign-in',
  'POST /sign-in',
  'GET /setup/:secret',
  'POST /setup/:secret',
  'GET /register/:secret',
  'POST /register/:secret',
  'GET /register',
  'POST /register',
]);

interface Send {
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Record<string, string>;
  readonly connection?: Connection;
}

async function send(app: HttpApp, path: string, { connection = INSIDE, headers, ...init }: Send = {}) {
  const response = await app.request(
    `${ORIGIN}${path}`,
    { ...init, headers: { host: HOST, ...headers } },
    { connection },
  );
  const text = await response.text();
  const error = /^\{"error"/.test(text) ? (JSON.parse(text).error as { code: string; message: string }) : undefined;
  return { status: response.status, headers: response.headers, text, code: error?.code };
}

async function signIn({ rig }: HttpRig, user: UserRecord): Promise<string> {
  return (await rig.sessions.begin(user, { source: '127.0.0.1', program: 'test' })).secret;
}

/** An API request in the name of a session. */
function asking(secret: string, body: unknown = {}, headers: Record<string, string> = {}): Send {
  return {
    method: 'POST',
    body: JSON.stringify(body),
    headers: {
      'content-type': 'application/json',
      cookie: `__Host-pcloud-session=${secret}`,
      'x-csrf-token': csrfToken(secret),
      origin: ORIGIN,
      ...headers,
    },
  };
}

function withoutOrigin({ headers: { origin: _, ...headers } = {}, ...init }: Send): Send {
  return { ...init, headers };
}

function routesOf({ app }: HttpRig): { method: string; path: string; name: string }[] {
  const handlers = app.routes.filter(({ method }) => method !== 'ALL');
  return handlers.map(({ method, path }) => ({ method, path, name: `${method} ${path}` }));
}

const concrete = (path: string): string => path.replace(':operation', 'users.list').replace(':secret', 'abc');

test('every route but those for strangers wants a session, and a good one', async () => {
  const rig = await createHttpRig();
  const routes = routesOf(rig);
  for (const name of OPEN_ROUTES)
    assert.ok(
      routes.some((route) => route.name === name),
      `${name} is there`,
    );
  const isClosed = routes.filter(({ name }) => !OPEN_ROUTES.has(name));
  assert.ok(isClosed.length >= 10);
  for (const { method, path, name } of isClosed) {
    for (const secret of [undefined, 'wrong', 'a'.repeat(52)]) {
      const type = path.startsWith('/api') ? 'application/json' : 'application/x-www-form-urlencoded';
      const cookie = secret === undefined ? {} : { cookie: `__Host-pcloud-session=${secret}` };
      const body = method === 'POST' ? { body: type === 'application/json' ? '{}' : 'csrf=x' } : {};
      const answer = await send(rig.app, concrete(path), {
        method,
        headers: { 'content-type': type, ...cookie },
        ...body,
      });
      const isSentAway = answer.status === 303 && answer.headers.get('location') === '/sign-in';
      assert.ok(answer.status === 401 || isSentAway, `${name} with ${secret}: ${answer.status}`);
    }
  }
});

test('no operation answers a stranger, a session without its token, or one of less than its role', async () => {
  const rig = await createHttpRig();
  const sessions = new Map<Role, string>();
  for (const role of ['member', 'admin', 'owner'] as const) {
    sessions.set(role, await signIn(rig, await rig.rig.addUser(role, role)));
  }
  const names = rig.deps.operations.names();
  assert.ok(names.length >= 15);
  for (const { name, least } of names) {
    const path = `/api/v1/${name}`;
    const owner = sessions.get('owner')!;
    const stranger = { ...asking(owner), headers: { 'content-type': 'application/json' } };
    assert.is((await send(rig.app, path, stranger)).code, 'UNAUTHENTICATED', name);
    assert.is((await send(rig.app, path, asking('wrong'))).code, 'SESSION_ENDED', name);
    assert.is((await send(rig.app, path, asking(owner, {}, { 'x-csrf-token': '' }))).code, 'CSRF_INVALID', name);
    const other = csrfToken(sessions.get('admin')!);
    assert.is((await send(rig.app, path, asking(owner, {}, { 'x-csrf-token': other }))).code, 'CSRF_INVALID', name);
    for (const [role, secret] of sessions) {
      const { code, status } = await send(rig.app, path, asking(secret, { nothing: 'of use' }));
      assert.is(code === 'FORBIDDEN', RANK[role] < RANK[least], `${name} as ${role}: ${status} ${code}`);
      assert.is(status === 401, false, name);
    }
  }
});

test('requests that another site makes a browser send are refused', async () => {
  const rig = await createHttpRig();
  const secret = await signIn(rig, await rig.rig.addUser('ann', 'owner'));
  const path = '/api/v1/users.list';
  assert.is((await send(rig.app, path, asking(secret))).status, 200);
  const foreign: Record<string, string>[] = [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: `http://${HOST}` },
    { origin: 'https://127.0.0.1:9999' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'none' },
  ];
  for (const headers of foreign) {
    const { code } = await send(rig.app, path, asking(secret, {}, headers));
    assert.is(code, 'CROSS_SITE', JSON.stringify(headers));
  }
  const form = {
    method: 'POST',
    body: 'x=y',
    headers: { 'content-type': 'text/plain', origin: 'https://evil.example' },
  };
  for (const { method, path: page, name } of routesOf(rig)) {
    if (method === 'POST') assert.is((await send(rig.app, concrete(page), form)).status, 403, name);
  }
});

test('a name that is not the server’s is refused, as DNS rebinding brings it', async () => {
  const { app } = await createHttpRig();
  for (const host of ['evil.example', 'evil.example:8443', 'cloud.example.evil', 'a@b', '', '127.0.0.1.evil', 'x y']) {
    const { status } = await send(app, '/sign-in', { headers: { host } });
    assert.is(status, 421, host);
  }
  for (const host of [
    'cloud.example',
    'CLOUD.example:8443',
    'cloud.example.',
    'localhost:1',
    '[::1]:8443',
    '10.0.0.1',
  ]) {
    assert.is((await send(app, '/sign-in', { headers: { host } })).status, 200, host);
  }
  assert.is((await send(app, '/healthz', { headers: { host: 'evil.example' } })).status, 200);
});

test('outside, everything but health and what devices ask is refused by one plain sentence', async () => {
  const rig = await createHttpRig();
  const secret = await signIn(rig, await rig.rig.addUser('ann', 'owner'));
  for (const { method, path, name } of routesOf(rig)) {
    if (path === '/healthz' || path === '/control' || path === '/join/server') continue;
    const { body, headers } = asking(secret);
    const content = method === 'POST' ? { body: body! } : {};
    const answer = await send(rig.app, concrete(path), { method, headers: headers!, ...content, connection: OUTSIDE });
    assert.is(answer.status, 403, name);
    assert.match(answer.text, 'at http://10.0.0.1:8444/;', name);
    assert.is(answer.headers.get('set-cookie'), null, name);
  }
  const { headers, text } = await send(rig.app, '/nowhere', { connection: OUTSIDE });
  assert.match(headers.get('content-type') ?? '', 'text/plain');
  assert.is(text.trim().split('\n').length, 1);
  assert.is((await send(rig.app, '/healthz', { connection: OUTSIDE })).status, 200);
  assert.is((await send(rig.app, '/control', { connection: OUTSIDE })).code, 'UPGRADE_REQUIRED');
});

test('routes that are not there and methods that are not theirs are said to be so', async () => {
  const { app } = await createHttpRig();
  assert.is((await send(app, '/nowhere')).status, 404);
  assert.is((await send(app, '/api/v1/a/b', { method: 'POST' })).code, 'ROUTE_UNKNOWN');
  const wrong = await send(app, '/api/v1/users.list');
  assert.equal([wrong.status, wrong.code, wrong.headers.get('allow')], [405, 'METHOD_NOT_ALLOWED', 'POST']);
  for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
    const answer = await send(app, '/sign-in', { method });
    assert.equal([answer.status, answer.headers.get('allow')], [405, 'GET, POST'], method);
  }
});

test('bodies are bounded in length, depth, type and encoding', async () => {
  const rig = await createHttpRig();
  const secret = await signIn(rig, await rig.rig.addUser('ann', 'owner'));
  const path = '/api/v1/users.list';
  const post = (body: string, headers: Record<string, string> = {}) =>
    send(rig.app, path, { ...asking(secret, {}, headers), body });
  assert.is((await post(`"${'x'.repeat(65_535)}"`)).code, 'BODY_TOO_LARGE');
  assert.is((await post('{}', { 'content-length': '65537' })).code, 'BODY_TOO_LARGE');
  assert.is((await post('['.repeat(17) + ']'.repeat(17))).code, 'INPUT_INVALID');
  assert.match((await post('['.repeat(60_000))).text, 'nested deeper');
  const inText = await post(JSON.stringify({ a: '[{'.repeat(20) }));
  assert.not.match(inText.text, 'nested deeper');
  assert.is((await post('{"a":')).code, 'INPUT_INVALID');
  assert.is((await post('{}', { 'content-type': 'text/plain' })).code, 'MEDIA_TYPE_UNSUPPORTED');
  assert.is((await post('{}', { 'content-type': 'application/json; charset=utf-8' })).status, 200);
});

test('every answer has the headers that keep pages to themselves', async () => {
  const rig = await createHttpRig({ hasTrustedCertificate: () => true });
  for (const path of ['/sign-in', '/healthz', '/nowhere', '/style.css', '/api/v1/users.list']) {
    const { headers } = await send(rig.app, path);
    const policy = headers.get('content-security-policy') ?? '';
    assert.match(policy, "default-src 'none'", path);
    assert.not.match(policy, 'script-src');
    assert.match(policy, "frame-ancestors 'none'");
    assert.is(headers.get('x-content-type-options'), 'nosniff', path);
    assert.is(headers.get('referrer-policy'), 'same-origin', path);
    assert.is(headers.get('cache-control'), 'no-store', path);
    assert.is(headers.get('strict-transport-security'), 'max-age=31536000', path);
  }
  assert.is((await send(rig.app, '/', { connection: PLAIN })).headers.get('strict-transport-security'), null);
  const selfSigned = await createHttpRig();
  assert.is((await send(selfSigned.app, '/')).headers.get('strict-transport-security'), null);
});

test('a full disk is told to who asks, and where it is to the log alone', async () => {
  const rig = await createHttpRig();
  const operations = {
    names: () => [],
    counters: () => ({}),
    run: async () => {
      throw new StoreError('FAILED', 'store: IO error: /var/lib/pcloud/store/3.log: No space left on device');
    },
  };
  const app = createHttpApp({ ...rig.deps, operations });
  const answer = await send(app, '/api/v1/users.list', { ...withoutOrigin(asking('none')), connection: UNIX });
  assert.is(answer.status, 507);
  assert.is(answer.code, 'STORE_FAILED');
  assert.match(answer.text, 'the disk of the server is full');
  assert.not.match(answer.text, '/var/lib');
  assert.match(JSON.stringify(rig.lines), '/var/lib/pcloud/store/3.log');
});

test('what fails inside is told to the log and to nobody else', async () => {
  const rig = await createHttpRig();
  const secret = await signIn(rig, await rig.rig.addUser('ann', 'owner'));
  const operations = {
    names: () => [],
    counters: () => ({}),
    run: async () => {
      throw new TypeError('secret detail at /var/lib/pcloud');
    },
  };
  const app = createHttpApp({ ...rig.deps, operations });
  for (const answer of [
    await send(app, '/api/v1/users.list', asking(secret)),
    await send(app, '/api/v1/users.list', { ...withoutOrigin(asking(secret)), connection: UNIX }),
  ]) {
    assert.is(answer.code, 'FAILED');
    assert.is(answer.status, 500);
    assert.not.match(answer.text, 'secret detail');
    assert.not.match(answer.text, ' at ');
  }
  assert.match(JSON.stringify(rig.lines), 'secret detail');
});

test('the socket of root has the API alone, and no browser', async () => {
  const { app } = await createHttpRig();
  const json = { 'content-type': 'application/json' };
  const asked = { method: 'POST', body: '{}', headers: json, connection: UNIX };
  assert.is((await send(app, '/api/v1/users.list', asked)).text, '[]');
  assert.is((await send(app, '/sign-in', { connection: UNIX })).code, 'ROUTE_UNKNOWN');
  const browser = { ...asked, headers: { ...json, origin: 'https://evil.example' } };
  assert.is((await send(app, '/api/v1/users.list', browser)).code, 'CROSS_SITE');
});

test('a script of a page learns who it acts for, and its token', async () => {
  const rig = await createHttpRig();
  const ann = await rig.rig.addUser('ann', 'owner');
  const secret = await signIn(rig, ann);
  const { text } = await send(rig.app, '/api/v1/session', { headers: { cookie: `__Host-pcloud-session=${secret}` } });
  const { userId, role, csrf } = JSON.parse(text);
  assert.equal([userId, role, csrf], [ann.id, 'owner', csrfToken(secret)]);
});

test('a device that has no token yet learns the network from outside, and nothing secret', async () => {
  const { app } = await createHttpRig();
  const response = await send(app, '/join/server', { connection: OUTSIDE });
  assert.is(response.status, 200);
  assert.equal(JSON.parse(response.text), {
    networkId: formatNetworkId(NETWORK.id),
    channelKey: encodeBase64(NETWORK.channelPublic),
    serverSet: encodeBase64(NETWORK.serverSet),
  });
});

test.run();
