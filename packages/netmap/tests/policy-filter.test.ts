import { formatPrefix, parseAddress, parsePrefix } from '@pcloud/ip';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type CompiledPolicy, DEFAULT_POLICY, type FilterRule, FLOOR_RULE, type PolicyNode } from '../src/index.ts';
import { internetPrefixes, isInternet, localParts } from '../src/policy/internet.ts';
import { commonPorts, joinPorts, withoutPorts } from '../src/policy/ports.ts';
import { compiled, device, SERVER } from './policies.ts';

const ALL = [[0, 65_535]];

/** The filter of a node, the floor left out. */
function filterOf(policy: CompiledPolicy, node: PolicyNode): FilterRule[] {
  return policy.filterFor(policy.classOf(node)).filter(({ rule }) => rule !== FLOOR_RULE);
}

function filterOfRule(rule: object, node: PolicyNode): object[] {
  const text = {
    groups: { 'group:family': ['kim', 'eve', 'lee', 'nobody', 'eve'] },
    tagOwners: { 'tag:nas': [] },
    rules: [rule],
  };
  return filterOf(compiled(text), node).map(({ rule, ...rest }) => rest);
}

test('a device of a fresh network lets in the devices of its user, one of an owner unclaimed ones too', () => {
  const policy = compiled(DEFAULT_POLICY);
  assert.equal(filterOf(policy, device(2)), [
    { from: ['user:ada'], protocols: [], ports: ALL, rule: 0 },
    { from: ['unclaimed'], protocols: [], ports: ALL, rule: 2 },
  ]);
  assert.equal(filterOf(policy, device(4, { user: 'bob' })), [
    { from: ['user:bob'], protocols: [], ports: ALL, rule: 0 },
  ]);
  assert.equal(filterOf(policy, device(2, { user: '', tags: ['nas'] })), []);
});

test('a server of a fresh network lets in the floor and what it publishes', () => {
  const policy = compiled(DEFAULT_POLICY);
  assert.equal(filterOf(policy, SERVER), [
    {
      from: ['*'],
      protocols: [6],
      ports: [
        [80, 80],
        [443, 443],
      ],
      rule: 3,
    },
    { from: ['*'], protocols: [1, 58], ports: ALL, rule: 4 },
  ]);
  assert.equal(policy.filterFor(policy.classOf(SERVER)).slice(0, 2), [
    {
      from: ['*'],
      protocols: [6],
      ports: [
        [443, 443],
        [8443, 8444],
      ],
      rule: FLOOR_RULE,
    },
    { from: ['*'], protocols: [6, 17], ports: [[53, 53]], rule: FLOOR_RULE },
  ]);
});

test('senders are in order, none twice, none that another includes, and none who is disabled or unknown', () => {
  const from = (...src: string[]): unknown => (filterOfRule({ src, dst: ['*:22'] }, device(2))[0] as FilterRule)?.from;
  assert.equal(from('group:family', 'ada', 'ada'), ['user:ada', 'user:eve', 'user:kim']);
  assert.equal(from('ada', 'autogroup:member', 'tag:nas'), ['tag:nas', 'user:*']);
  assert.equal(from('autogroup:tagged', 'tag:nas', 'bob'), ['tag:*', 'user:bob']);
  assert.equal(from('10.0.0.2', '*', 'ada'), ['*']);
  assert.equal(from('node:lamp', 'autogroup:servers', 'fd00::/64'), ['fd00::/64', 'node:n9', 'role:server']);
  assert.equal(from('autogroup:admin'), ['user:ada', 'user:bob']);
  assert.equal(from('lee', 'nobody', 'node:absent'), undefined);
});

test('the ports of all destinations that a receiver is become one list', () => {
  const rule = { src: ['bob'], dst: ['ada:80', '*:22,81', 'eve:1', '10.0.0.2:79'], proto: 'tcp' };
  assert.equal(filterOfRule(rule, device(2)), [
    {
      from: ['user:bob'],
      protocols: [6],
      ports: [
        [22, 22],
        [79, 81],
      ],
    },
  ]);
});

test('a server leaves out the ports of the cluster, and lets in owners and admins to its API', () => {
  assert.equal(filterOfRule({ src: ['*'], dst: ['*:*'] }, SERVER), [
    { from: ['*'], protocols: [1, 58, 132], ports: ALL },
    {
      from: ['*'],
      protocols: [6],
      ports: [
        [0, 2378],
        [2381, 6442],
        [6444, 10_249],
        [10_251, 65_535],
      ],
    },
    {
      from: ['*'],
      protocols: [17],
      ports: [
        [0, 8471],
        [8473, 65_535],
      ],
    },
    { from: ['user:ada', 'user:bob'], protocols: [6], ports: [[6443, 6443]] },
  ]);
  assert.equal(filterOfRule({ src: ['group:family', 'ada'], dst: ['*:6443'], proto: 'tcp' }, SERVER), [
    { from: ['user:ada'], protocols: [6], ports: [[6443, 6443]] },
  ]);
  assert.equal(filterOfRule({ src: ['tag:nas'], dst: ['*:6443,2379'], proto: ['tcp'] }, SERVER), []);
});

test('a router lets through to the parts of its routes that a rule names', () => {
  const router = device(8, { user: '', tags: ['nas'], routes: ['192.168.0.0/16', '203.0.113.0/24', 'fd77::/48'] });
  const to = (dst: string): unknown =>
    (filterOfRule({ src: ['ada'], dst: [dst] }, router) as FilterRule[]).find((rule) => rule.to !== undefined)?.to;
  assert.equal(to('192.168.7.0/24:*'), ['192.168.7.0/24']);
  assert.equal(to('192.0.0.0/8:*'), ['192.168.0.0/16']);
  assert.equal(to('*:*'), ['192.168.0.0/16', 'fd77::/48']);
  assert.equal(to('203.0.113.7:*'), ['203.0.113.7/32']);
  assert.is(to('autogroup:internet:*'), undefined);
  assert.is(to('tag:nas:*'), undefined);
});

test('an exit node lets through to the internet of the families it is one for, and to no private network', () => {
  const rule = { src: ['ada'], dst: ['autogroup:internet:*', '*:*', '192.168.7.0/24:*'] };
  const [own, ...through] = filterOfRule(rule, device(8, { routes: ['::/0'] })) as FilterRule[];
  assert.is(own?.to, undefined);
  assert.equal(through, [{ from: ['user:ada'], to: ['2000::/3'], protocols: [], ports: ALL }]);
  const ipv4 = filterOfRule(rule, device(8, { routes: ['0.0.0.0/0'] })) as FilterRule[];
  assert.is(ipv4.at(-1)?.to?.includes('8.0.0.0/7'), true);
});

test('internet and local networks are all addresses, and nothing is both', () => {
  for (const [length, whole] of [
    [4, '0.0.0.0/0'],
    [16, '::/0'],
  ] as const) {
    const parts = [...internetPrefixes(length), ...localParts(parsePrefix(whole)!)];
    assert.is(
      parts.reduce((sum, part) => sum + 2 ** -part.length, 0),
      1,
      parts.map(formatPrefix).join(),
    );
  }
  for (const [address, is] of [
    ['1.1.1.1', true],
    ['172.15.255.255', true],
    ['172.16.0.0', false],
    ['172.32.0.0', true],
    ['223.255.255.255', true],
    ['224.0.0.0', false],
    ['fd00::1', false],
    ['2606::1', true],
    ['::1', false],
  ] as const) {
    assert.is(isInternet(parseAddress(address)!), is, address);
  }
});

test('port ranges join, part and meet', () => {
  assert.equal(
    joinPorts([
      [5, 6],
      [1, 2],
      [3, 3],
      [6, 9],
      [20, 30],
      [22, 25],
    ]),
    [
      [1, 3],
      [5, 9],
      [20, 30],
    ],
  );
  assert.equal(
    withoutPorts(
      [
        [1, 10],
        [20, 30],
      ],
      [
        [1, 1],
        [5, 6],
        [10, 20],
        [40, 50],
      ],
    ),
    [
      [2, 4],
      [7, 9],
      [21, 30],
    ],
  );
  assert.equal(
    commonPorts(
      [
        [1, 10],
        [20, 30],
      ],
      [10, 20],
    ),
    [
      [10, 10],
      [20, 20],
    ],
  );
});

test('each sees whom a flow may begin with, in either direction, and everybody sees the servers', () => {
  const nas = device(7, { user: '', tags: ['nas'] });
  const [ada, bob, eve] = ['ada', 'bob', 'eve'].map((user, index) => device(index + 2, { user }));
  const sees = (rules: readonly object[], a: PolicyNode, b: PolicyNode): boolean => {
    const policy = compiled({ tagOwners: { 'tag:nas': [] }, rules });
    const [from, to] = [policy.classOf(a), policy.classOf(b)];
    assert.is(policy.sees(from, to), policy.sees(to, from));
    return policy.sees(from, to);
  };
  assert.not(sees([], ada!, device(9)));
  for (const one of [ada!, nas]) assert.ok(sees([], one, SERVER));
  const rules = [
    { src: ['*'], dst: ['autogroup:self:*'] },
    { src: ['bob'], dst: ['tag:nas:22'] },
  ];
  assert.ok(sees(rules, ada!, device(9)));
  assert.not(sees(rules, ada!, bob!));
  assert.ok(sees(rules, bob!, nas));
  assert.not(sees(rules, eve!, nas));
  assert.not(sees(rules, nas, { ...nas, id: 'n8', addresses: ['10.0.0.8'] }), 'devices of nobody are not of one user');
});

test('a class holds nothing of a node that the policy does not look at', () => {
  const policy = compiled({ rules: [{ src: ['10.0.0.2', 'node:lamp'], dst: ['*:*'] }] });
  const [two, three, four, lamp] = [2, 3, 4, 9].map((index) => policy.classOf(device(index)));
  assert.is(three, four);
  assert.is.not(two, three);
  assert.is.not(lamp, three);
  assert.is(policy.filterFor(three!), policy.filterFor(four!));
});

test('the order of tags and routes makes no other class', () => {
  const policy = compiled('{}');
  const traits = { user: '', tags: ['a', 'b'], routes: ['192.168.1.0/24', '10.9.0.0/16'] };
  const turned = { user: '', tags: ['b', 'a'], routes: ['10.9.0.0/16', '192.168.1.0/24'] };
  assert.is(policy.classOf(device(2, traits)), policy.classOf(device(3, turned)));
});

test.run();
