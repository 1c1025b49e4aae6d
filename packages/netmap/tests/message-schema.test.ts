import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  decodeNodeMessage,
  decodeServerMessage,
  encodeBase64,
  LIMITS,
  MAX_NODE_MESSAGE_BYTES,
  type NodeMessage,
  type ServerMessage,
  writeMapMessage,
} from '../src/index.ts';
import { aliasOf, publicOf, secret } from './keys.ts';
import { mapOf, NETWORK, node } from './maps.ts';

const KEY = encodeBase64(publicOf(secret(1)));
const HASH = encodeBase64(secret(2));
const ENDPOINTS = ['192.0.2.1:51820', '[2001:db8::1]:1'];
const MAP = writeMapMessage(mapOf(3, [node(2), node(3)]));

const NODE_MESSAGES: { [K in NodeMessage['kind']]: Extract<NodeMessage, { kind: K }> } = {
  hello: { kind: 'hello', versions: { least: 1, most: 2 }, program: 'pcloud 0.1.0 linux x64', serverSet: 0 },
  join: {
    kind: 'join',
    nodeKey: KEY,
    proof: HASH,
    token: 'abc',
    name: 'Ada’s laptop',
    endpoints: ENDPOINTS,
    map: { epoch: 1, revision: 2, hash: HASH },
  },
  endpoints: { kind: 'endpoints', endpoints: ENDPOINTS },
  resync: { kind: 'resync' },
  revoked: { kind: 'revoked', id: 1, hash: HASH },
  request: { kind: 'request', id: 1, operation: 'nodes.rename', input: { name: ['a', null, { b: 1 }] } },
  ping: { kind: 'ping', id: 1 },
  pong: { kind: 'pong', id: 0 },
};

const SERVER_MESSAGES: { [K in ServerMessage['kind']]: Extract<ServerMessage, { kind: K }> } = {
  challenge: { kind: 'challenge', version: 1, key: KEY, serverSet: 'AAAA', wallMs: 1_800_000_000_000 },
  welcome: { kind: 'welcome', nodeId: 'n1', program: 'pcloud' },
  pending: { kind: 'pending', code: 'ABCD-EFGH', url: 'https://a.example/approve', expiresInMs: 1000 },
  refused: { kind: 'refused', code: 'TOKEN_USED', message: 'somebody else has used it' },
  map: MAP,
  delta: {
    kind: 'delta',
    epoch: 1,
    from: 1,
    to: 2,
    network: NETWORK,
    self: node(1),
    changed: [node(2)],
    removed: ['n3'],
    hash: HASH,
  },
  presence: { kind: 'presence', nodes: [{ id: 'n1', online: true, endpoints: ENDPOINTS }] },
  revocations: { kind: 'revocations', id: 1, nodes: [{ nodeId: 'n4', nodeKey: KEY }] },
  key: { kind: 'key', isExpired: false, expiresInMs: 1_000, rotatesInMs: 0 },
  response: { kind: 'response', id: 1, result: [1, 'two'] },
  failure: { kind: 'failure', id: 1, code: 'NOT_FOUND', message: 'there is no such node' },
  ping: { kind: 'ping', id: 1 },
  pong: { kind: 'pong', id: 0 },
};

const SIDES = [
  { decode: decodeNodeMessage as (text: string) => unknown, messages: Object.values(NODE_MESSAGES) },
  { decode: decodeServerMessage as (text: string) => unknown, messages: Object.values(SERVER_MESSAGES) },
];

const refusesNode = (value: unknown): void => assert.is(decodeNodeMessage(JSON.stringify(value)), undefined);
const refusesServer = (value: unknown): void => assert.is(decodeServerMessage(JSON.stringify(value)), undefined);

/** Each way to put `other` in the place of one value within. */
function* replacements(value: unknown, other: unknown): Generator<unknown> {
  yield other;
  if (typeof value !== 'object' || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    for (const replaced of replacements(member, other)) {
      yield Array.isArray(value) ? value.with(Number(key), replaced) : { ...value, [key]: replaced };
    }
  }
}

test('every message is read as it was written', () => {
  for (const { decode, messages } of SIDES) {
    for (const message of messages) assert.equal(decode(JSON.stringify(message)), message);
  }
});

test('members that may be left out may be left out, and are not null', () => {
  const { token, map, ...join } = NODE_MESSAGES.join;
  assert.equal(decodeNodeMessage(JSON.stringify(join)), join);
  refusesNode({ ...join, token: null });
  refusesNode({ ...join, map: null });
  const { network, self, ...delta } = SERVER_MESSAGES.delta;
  assert.equal(decodeServerMessage(JSON.stringify(delta)), delta);
  refusesServer({ ...delta, self: null });
  assert.ok(token && map && network && self);
});

test('a message that lacks any other member is refused', () => {
  const optional = new Set([
    'token',
    'map',
    'network',
    'self',
    'serverSet',
    'input',
    'result',
    'expiresInMs',
    'rotatesInMs',
  ]);
  for (const { decode, messages } of SIDES) {
    for (const message of messages) {
      for (const key of Object.keys(message)) {
        const { [key]: left, ...rest } = message as Record<string, unknown>;
        if (!optional.has(key)) assert.is(decode(JSON.stringify(rest)), undefined, `${message.kind} without ${key}`);
      }
    }
  }
  refusesNode({ ...NODE_MESSAGES.hello, serverSet: undefined });
});

test('a value of another type in any place is refused', () => {
  const others = [null, true, -1, 1.5, 1e300, '', 'x\u0000', [], {}, [[]], { kind: 'ping' }];
  for (const { decode, messages } of SIDES) {
    for (const message of messages) {
      if (message.kind === 'request' || message.kind === 'response') continue; // they carry anything
      for (const other of others) {
        for (const altered of replacements(message, other)) {
          const decoded = decode(JSON.stringify(altered));
          // Some places hold such a value: an empty list, a flag, an empty user name.
          if (decoded !== undefined) assert.equal(decoded, altered);
        }
      }
    }
  }
});

test('unknown kinds and the other side’s messages are refused', () => {
  for (const value of [
    {},
    [],
    null,
    1,
    'ping',
    { kind: 'shutdown' },
    { kind: '__proto__' },
    { kind: ['ping'], id: 1 },
  ]) {
    refusesNode(value);
    refusesServer(value);
  }
  refusesNode(SERVER_MESSAGES.welcome);
  refusesNode(SERVER_MESSAGES.map);
  refusesServer(NODE_MESSAGES.hello);
  refusesServer(NODE_MESSAGES.join);
});

test('members that nobody knows are refused', () => {
  refusesNode({ ...NODE_MESSAGES.ping, extra: 1 });
  refusesNode({ ...NODE_MESSAGES.join, map: { ...NODE_MESSAGES.join.map, extra: 1 } });
  refusesServer({ ...MAP, self: { ...MAP.self, extra: 1 } });
  refusesServer({ ...MAP, nodes: [{ ...node(2), extra: 1 }] });
});

test('a hello of a newer program may say more, which is let be', () => {
  const newer = { ...NODE_MESSAGES.hello, features: ['x'] };
  assert.equal(decodeNodeMessage(JSON.stringify(newer)), NODE_MESSAGES.hello);
});

test('members named like inherited ones are refused at any depth, however they are written', () => {
  const names = ['__proto__', '\\u005f_proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'];
  for (const name of names) {
    for (const value of ['1', '{"isAdmin":true}', 'null']) {
      const member = `"${name}":${value}`;
      const node = [
        `{"kind":"ping","id":1,${member}}`,
        `{${member},"kind":"hello","versions":{"least":1,"most":1},"program":"x","serverSet":0}`,
        `{"kind":"request","id":1,"operation":"a.b","input":{"a":[{${member}}]}}`,
      ];
      for (const text of node) assert.is(decodeNodeMessage(text), undefined, text);
      assert.is(decodeServerMessage(`{"kind":"response","id":1,"result":{${member}}}`), undefined);
    }
  }
  assert.is(({} as { isAdmin?: boolean }).isAdmin, undefined);
});

test('lists, names, tokens and numbers are taken up to their limits and not beyond', () => {
  const endpoints = (count: number) => Array.from({ length: count }, (_, i) => `192.0.2.1:${i + 1}`);
  const { join, request } = NODE_MESSAGES;
  assert.ok(decodeNodeMessage(JSON.stringify({ ...join, endpoints: endpoints(LIMITS.ENDPOINTS) })));
  refusesNode({ ...join, endpoints: endpoints(LIMITS.ENDPOINTS + 1) });
  assert.ok(decodeNodeMessage(JSON.stringify({ ...join, name: 'x'.repeat(63) })));
  refusesNode({ ...join, name: 'x'.repeat(64) });
  assert.ok(decodeNodeMessage(JSON.stringify({ ...join, token: 'x'.repeat(200) })));
  refusesNode({ ...join, token: 'x'.repeat(201) });
  assert.ok(decodeNodeMessage(JSON.stringify({ kind: 'ping', id: Number.MAX_SAFE_INTEGER })));
  refusesNode({ kind: 'ping', id: Number.MAX_SAFE_INTEGER + 1 });
  refusesNode({ ...NODE_MESSAGES.hello, versions: { least: 2, most: 1 } });
  refusesNode({ ...request, operation: 'x'.repeat(40) });
  refusesNode({ ...request, input: 'x'.repeat(MAX_NODE_MESSAGE_BYTES) });
  refusesServer({ ...MAP, nodes: Array(LIMITS.NODES + 1).fill(1) });
});

test('nesting that code would have to recurse into is refused', () => {
  const nested = (depth: number): string => `${'[{"a":'.repeat(depth)}1${'}]'.repeat(depth)}`;
  const request = (depth: number): string => `{"kind":"request","id":1,"operation":"a.b","input":${nested(depth)}}`;
  assert.ok(decodeNodeMessage(request(15)));
  assert.is(decodeNodeMessage(request(16)), undefined);
  assert.is(decodeServerMessage(`${'['.repeat(1_000_000)}`), undefined);
  assert.is(decodeServerMessage(`{"kind":"response","id":1,"result":${nested(200_000)}}`), undefined);
});

test('keys, names, addresses and endpoints that are not what they should be are refused', () => {
  const bad: readonly (readonly [Partial<Record<keyof typeof MAP.self, unknown>>, string])[] = [
    [{ nodeKey: encodeBase64(aliasOf(publicOf(secret(1)))) }, 'a key in another encoding'],
    [{ nodeKey: KEY.slice(0, -1) }, 'a key without padding'],
    [{ name: 'Upper' }, 'an upper-case name'],
    [{ name: 'a.b' }, 'two labels'],
    [{ name: '../etc' }, 'a path'],
    [{ addresses: ['10.0.0.0/8'] }, 'a prefix for an address'],
    [{ addresses: ['010.0.0.1'] }, 'octal'],
    [{ role: 'admin' }, 'an unknown role'],
    [{ tags: ['a b'] }, 'a tag with a space'],
    [{ user: 'a\nb' }, 'a user with a line break'],
    [{ id: '' }, 'an empty id'],
  ];
  for (const [change, what] of bad) {
    assert.is(decodeServerMessage(JSON.stringify({ ...MAP, nodes: [{ ...node(2), ...change }] })), undefined, what);
  }
  for (const endpoint of ['192.0.2.1', '192.0.2.1:0', '192.0.2.1:65536', 'host:1', '[fe80::1%2]:1', '[::1]', ':1']) {
    refusesNode({ kind: 'endpoints', endpoints: [endpoint] });
  }
  refusesServer({ ...MAP, network: { ...NETWORK, prefixes: ['10.0.0.1'] } });
  refusesServer({ ...MAP, network: { ...NETWORK, domain: 'a..b' } });
  refusesServer({ ...MAP, network: { ...NETWORK, relays: ['http://relay'] } });
});

test('text of any kind, and messages with anything in any place, never make it throw', () => {
  const anything = fc.oneof(
    fc.jsonValue(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('__proto__', 'x'.repeat(1000)),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...SIDES),
      fc.nat(),
      anything,
      fc.nat(),
      fc.string(),
      ({ decode, messages }, which, other, place, raw) => {
        decode(raw);
        decode(JSON.stringify(other));
        const message = messages[which % messages.length]!;
        const all = [...replacements(message, other)];
        const altered = all[place % all.length];
        const decoded = decode(JSON.stringify(altered));
        if (decoded !== undefined && message.kind !== 'hello')
          assert.equal(decoded, JSON.parse(JSON.stringify(altered)));
        const text = JSON.stringify(message);
        decode(text.slice(0, place % text.length));
      },
    ),
    { numRuns: 1000 },
  );
});

test.run();
