/** Commands that ask the network for something: on the seed node, and on any other device. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Asked, type CliRig, Refusal, withRig } from './cli-rig.ts';

/** A device whose daemon passes operations on. */
async function serveDevice(rig: CliRig, results: Readonly<Record<string, unknown>>): Promise<void> {
  await rig.serve('daemon.sock', ({ input }: Asked) => {
    const { operation } = input as { operation: string };
    return operation in results ? { result: results[operation] } : new Refusal('OPERATION_UNKNOWN', operation);
  });
}

const OPERATIONS = [
  ['nodes rename a b', 'nodes.rename', { node: 'a', name: 'b' }],
  ['nodes adopt a', 'nodes.adopt', { node: 'a' }],
  ['nodes adopt a --user bob', 'nodes.adopt', { node: 'a', user: 'bob' }],
  ['nodes remove a', 'nodes.remove', { node: 'a', revoke: false }],
  ['nodes expire a --in 30d', 'nodes.expire', { node: 'a', in: 2_592_000_000 }],
  ['nodes expire a --in now', 'nodes.expire', { node: 'a', in: 0 }],
  ['nodes expire a --in never', 'nodes.expire', { node: 'a', in: 'never' }],
  ['nodes renew a', 'nodes.renew', { node: 'a' }],
  ['network set key-life 180d', 'network.set', { keyLifeMs: 15_552_000_000 }],
  ['network set key-life off', 'network.set', { keyLifeMs: null }],
  ['network set key-rotation 30d', 'network.set', { keyRotationMs: 2_592_000_000 }],
  ['nodes approve ABCD-EFGH', 'approvals.approve', { code: 'ABCD-EFGH' }],
  ['nodes approve ABCD --tag ci --tag k3s', 'approvals.approve', { code: 'ABCD', tags: ['ci', 'k3s'] }],
  ['nodes deny ABCD', 'approvals.deny', { code: 'ABCD' }],
  ['users set-role bob admin', 'users.set-role', { user: 'bob', role: 'admin' }],
  ['users disable bob', 'users.disable', { user: 'bob' }],
  ['users enable bob', 'users.enable', { user: 'bob' }],
  ['users remove bob', 'users.remove', { user: 'bob' }],
  ['users invite', 'invitations.create', { role: 'member' }],
  ['users invite --role admin --expires 2h', 'invitations.create', { role: 'admin', expiresInMs: 7_200_000 }],
  ['tokens revoke t1', 'tokens.revoke', { id: 't1' }],
  ['invite', 'invites.create', {}],
  [
    'invite --user ada --role server --address 10.0.0.9',
    'invites.create',
    { user: 'ada', role: 'server', address: '10.0.0.9' },
  ],
  [
    'invite --tag ci --tag k3s --reusable --ephemeral --expires 1d',
    'invites.create',
    { tags: ['ci', 'k3s'], reusable: true, ephemeral: true, expiresInMs: 86_400_000 },
  ],
] as const;

for (const [line, operation, input] of OPERATIONS) {
  test(`"${line}" asks the daemon for ${operation}`, () =>
    withRig(async (rig) => {
      await serveDevice(rig, { [operation]: { name: 'b', link: 'LINK', url: 'URL', expiresAtMs: 0 } });
      const { code, err } = await rig.run(line);
      assert.is(code, 0, err);
      assert.equal(rig.asked, [{ request: 'POST /operation', input: { operation, input } }]);
    }));
}

const REVOKED = {
  removed: 'phone',
  ended: 0,
  addedNodes: { names: [], others: 0 },
  addedUsers: [],
  unconfirmed: { names: [], others: 0 },
  away: { names: [], others: 0 },
};

for (const line of ['nodes remove --revoke phone', 'nodes revoke phone']) {
  test(`"${line}" revokes, and says that all have confirmed`, () =>
    withRig(async (rig) => {
      await serveDevice(rig, { 'nodes.remove': REVOKED });
      const { code, out, err } = await rig.run(line);
      assert.is(code, 0, err);
      const input = { operation: 'nodes.remove', input: { node: 'phone', revoke: true } };
      assert.equal(rig.asked, [{ request: 'POST /operation', input }]);
      assert.is(out, 'phone is out of the network for good.\nAll devices that are connected have confirmed it.\n');
    }));
}

test('who has not confirmed, is away or came in through a revoked device is named', () =>
  withRig(async (rig) => {
    const many = Array.from({ length: 30 }, (_, index) => `n${index}`);
    const revoked = {
      ...REVOKED,
      ended: 2,
      addedNodes: { names: ['tv'], others: 0 },
      addedUsers: ['mallory'],
      unconfirmed: { names: ['nas'], others: 2 },
      away: { names: many, others: 3 },
    };
    await serveDevice(rig, { 'nodes.remove': revoked });
    const out = (await rig.run('nodes revoke phone')).out.replace(/\s+/g, ' ');
    assert.match(out, 'not confirmed within 2 s: nas and 2 that you may not see.');
    assert.match(out, 'n18, n19 and 13 more.');
    assert.match(out, 'that have ended: 2.');
    assert.match(out, 'let in through it, which stay: tv.');
    assert.match(out, 'made through it, which stay: mallory.');
    assert.equal(JSON.parse((await rig.run('nodes revoke phone --json')).out), revoked);
  }));

test('what the server turned away is listed by code', () =>
  withRig(async (rig) => {
    const counters = { connections: { connections: 7, silent: 1 }, refused: { 'join.TOKEN_USED': 2 } };
    await serveDevice(rig, { 'network.counters': counters });
    const { out } = await rig.run('debug counters');
    assert.match(out, /^WHAT +TIMES\nconnections +7\nsilent +1\njoin\.TOKEN_USED +2\n$/);
    assert.equal(JSON.parse((await rig.run('debug counters --json')).out), counters);
  }));

/** A coordinator with so many entries, the newest first. */
async function serveAudit(rig: CliRig, count: number): Promise<void> {
  const all = Array.from({ length: count }, (_, index) => ({
    id: `e${index}`,
    atMs: 1_700_000_000_000 - index,
    who: 'ada on laptop',
    source: '192.0.2.7',
    action: 'nodes.rename',
    subject: `node:${index}`,
    detail: { to: 'nas' },
  }));
  await rig.serve('coordinator.sock', ({ input }: Asked) => {
    const { limit, before } = input as { limit: number; before?: string };
    const start = before === undefined ? 0 : Number(before.slice(1)) + 1;
    return all.slice(start, start + limit);
  });
}

test('the audit log is listed with who, when, from where, what and of what', () =>
  withRig(async (rig) => {
    await serveAudit(rig, 700);
    const { out } = await rig.run('audit list --limit 2', { columns: 200 });
    const [head, first, ...rest] = out.trim().split('\n');
    assert.match(head!, /^WHEN +WHO +FROM +WHAT +OF$/);
    assert.match(first!, /^2023-11-1\d \d\d:\d\d {2}ada on laptop {2}192\.0\.2\.7 {2}nodes\.rename {2}node:0 to=nas$/);
    assert.is(rest.length, 1);
    assert.is((await rig.run('audit list --limit 0')).code, 2);
    assert.is((await rig.run('audit list --since yesterday')).code, 2);
  }));

test('the audit log is exported whole, an object a line, the oldest first', () =>
  withRig(async (rig) => {
    await serveAudit(rig, 1_300);
    const { out, code } = await rig.run('audit export');
    assert.is(code, 0);
    const ids = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).id);
    assert.equal([ids.length, ids[0], ids.at(-1)], [1_300, 'e1299', 'e0']);
  }));

test('an export from a time on asks for no more than that', () =>
  withRig(async (rig) => {
    await serveAudit(rig, 3);
    await rig.run('audit export --since 2026-11-01T00:00Z');
    assert.equal(rig.asked[0]!.input, { limit: 500, sinceMs: Date.parse('2026-11-01T00:00Z') });
    const before = Date.now();
    await rig.run('audit export --since 7d');
    const { sinceMs } = rig.asked[1]!.input as { sinceMs: number };
    assert.ok(Math.abs(before - 7 * 86_400_000 - sinceMs) < 60_000);
  }));

test('a link alone is on standard output, to be piped on', () =>
  withRig(async (rig) => {
    await serveDevice(rig, { 'invites.create': { link: 'https://a:1/join#v=1', expiresAtMs: 0 } });
    assert.is((await rig.run('invite')).out, 'https://a:1/join#v=1\n');
    const { out, err } = await rig.run('invite', { isTerminal: true });
    assert.is(out, 'https://a:1/join#v=1\n');
    assert.match(err, /^For one device, until /);
    assert.is(JSON.parse((await rig.run('invite --json')).out).link, 'https://a:1/join#v=1');
  }));

test('nodes are listed by name, with owner and state', () =>
  withRig(async (rig) => {
    const node = { tags: [], role: 'client', online: false, user: '' };
    const nodes = [
      { ...node, name: 'phone', addresses: ['10.0.0.3'], user: 'ada' },
      { ...node, name: 'builder', addresses: ['10.0.0.4'], tags: ['ci'], online: true },
    ];
    await serveDevice(rig, { 'nodes.list': nodes });
    assert.is(
      (await rig.run('nodes list')).out,
      'NODE     ADDRESS   OWNER  ROLE    ONLINE\nbuilder  10.0.0.4  ci     client  yes\nphone    10.0.0.3  ada    client  no\n',
    );
    assert.equal(JSON.parse((await rig.run('nodes list --json')).out), nodes);
  }));

test('a policy is printed with its lines, so that it can be set again, and with no other control character', () =>
  withRig(async (rig) => {
    const text = '{\r\n\t// \u001b[2J none\n  "rules": [],\n}\n';
    await serveDevice(rig, { 'policy.get': { text, isDefault: false } });
    assert.is((await rig.run('policy get')).out, '{\n\t// \\u001b[2J none\n  "rules": [],\n}\n');
  }));

test('keys that have expired or will soon are listed beside their nodes, and else there is no such column', () =>
  withRig(async (rig) => {
    const node = { tags: [], role: 'client', online: true, user: 'ada', addresses: ['10.0.0.3'] };
    const day = 86_400_000;
    const nodes = [
      { ...node, name: 'far', isExpired: false, expiresAtMs: Date.now() + 100 * day },
      { ...node, name: 'gone', isExpired: true, expiresAtMs: Date.now() - day },
      { ...node, name: 'never', isExpired: false, expiresAtMs: null },
      { ...node, name: 'soon', isExpired: false, expiresAtMs: Date.now() + 6.5 * day },
    ];
    await serveDevice(rig, { 'nodes.list': nodes });
    const keys = (await rig.run('nodes list')).out.split('\n').map((line) => line.split(/ {2,}/)[5]);
    assert.equal(keys.slice(0, 5), ['KEY', undefined, 'expired', undefined, 'expires in 6 days']);
    nodes.splice(1, 3);
    assert.not.match((await rig.run('nodes list')).out, 'KEY');
  }));

test('settings of the network are shown, and wrong ones are wrong usage', () =>
  withRig(async (rig) => {
    const face = {
      prefixes: ['10.0.0.0/16'],
      domain: 'pcloud',
      nodes: 3,
      keyLifeMs: 15_552_000_000,
      keyRotationMs: null,
    };
    await serveDevice(rig, { 'network.get': face });
    const expected = 'network 10.0.0.0/16, names end in .pcloud, 3 nodes\nkey-life      180 days\nkey-rotation  off\n';
    assert.is((await rig.run('network get')).out, expected);
    for (const line of [
      'network set key-life soon',
      'network set life 1d',
      'nodes expire a --in soon',
      'nodes expire a',
    ]) {
      assert.is((await rig.run(line)).code, 2, line);
    }
  }));

test('users and tokens are listed', () =>
  withRig(async (rig) => {
    await serveDevice(rig, {
      'users.list': [{ name: 'ada', role: 'owner', disabled: false, createdAtMs: Date.UTC(2026, 0, 2) }],
      'tokens.list': [{ id: 't1', tags: [], reusable: true, ephemeral: false, expiresAtMs: Date.UTC(2026, 0, 2) }],
    });
    assert.match((await rig.run('users list')).out, /^USER +ROLE +STATE +SINCE\nada +owner +active +2026-01-0[12] /);
    assert.match((await rig.run('tokens list')).out, /^ID +DEVICES .*\nt1 +many +no +- +2026-01-0[12] /);
  }));

test('a password comes from standard input where there is no terminal', () =>
  withRig(async (rig) => {
    await serveDevice(rig, { 'users.add': { name: 'ada' } });
    const { code, out } = await rig.run('users add --owner ada', { input: 'correct horse\nmore\n' });
    assert.is(code, 0);
    assert.is(out, 'ada is an owner of the network.\n');
    const input = { name: 'ada', role: 'owner', password: 'correct horse' };
    assert.equal(rig.asked[0]!.input, { operation: 'users.add', input });
    const none = await rig.run('users add ada', { input: '' });
    assert.is(none.code, 2);
    assert.match(none.err, /password of ada: expected a line on the standard input/);
  }));

test('on a terminal it is asked for twice, and again when the two differ', () =>
  withRig(async (rig) => {
    await serveDevice(rig, { 'users.add': { name: 'ada' } });
    const answers = ['one', 'other', 'secret', 'secret'];
    const { code, err } = await rig.run('users add ada', { isTerminal: true, answers });
    assert.is(code, 0);
    assert.match(err, /The two differ/);
    assert.is((rig.asked[0]!.input as { input: { password: string } }).input.password, 'secret');
    assert.is((await rig.run('users add ada', { isTerminal: true, answers: [undefined] })).code, 2);
  }));

test('a node of the map is described', () =>
  withRig(async (rig) => {
    const node = { name: 'phone', user: 'ada', tags: [], role: 'client', addresses: ['10.0.0.3'], nodeKey: 'KEY' };
    await rig.serve('daemon.sock', () => node);
    const { out } = await rig.run('whois 10.0.0.3');
    assert.is(out, 'node:       phone\nowner:      ada\nrole:       client\naddresses:  10.0.0.3\npublic key: KEY\n');
    assert.equal(rig.asked, [{ request: 'POST /whois', input: { node: '10.0.0.3' } }]);
  }));

test('a ping says which way it went', () =>
  withRig(async (rig) => {
    const pong = { name: 'phone', address: '10.0.0.3', latencyMs: 1.234, path: 'direct', endpoint: '192.0.2.1:51820' };
    await rig.serve('daemon.sock', () => pong);
    const { out } = await rig.run('ping phone --timeout 2s');
    assert.is(out, 'phone (10.0.0.3) answered directly (192.0.2.1:51820) after 1.2 ms\n');
    assert.equal(rig.asked, [{ request: 'POST /ping', input: { node: 'phone', timeoutMs: 2_000 } }]);
    assert.equal(JSON.parse((await rig.run('ping phone --json')).out), pong);
  }));

test('wait waits for a daemon that is still to start, and for what it is told', () =>
  withRig(async (rig) => {
    const waiting = rig.run('wait --for peer phone --timeout 5s');
    await new Promise((resolve) => setTimeout(resolve, 50));
    await rig.serve('daemon.sock', ({ request }) => (request === 'GET /status' ? {} : { name: 'phone' }));
    const { code, out } = await waiting;
    assert.is(code, 0);
    assert.is(out, 'phone answers.\n');
    const { request, input } = rig.asked.at(-1)!;
    assert.is(request, 'POST /wait');
    const { timeoutMs, ...rest } = input as { timeoutMs: number };
    assert.equal(rest, { for: 'peer', node: 'phone' });
    assert.ok(timeoutMs > 0 && timeoutMs < 5_000, `${timeoutMs}`);
  }));

test('wait ends with 5 when its time is over, and says for what', () =>
  withRig(async ({ run }) => {
    const { code, err } = await run('wait --timeout 150ms');
    assert.is(code, 5);
    assert.match(err, /^pcloud: not done within 0\.15 s: no daemon answers at /);
  }));

test.run();
