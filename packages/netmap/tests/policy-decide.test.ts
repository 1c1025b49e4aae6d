import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type BehindNode, DEFAULT_POLICY, formatTrace, type PolicyNode } from '../src/index.ts';
import { compiled, device, FACTS, SERVER } from './policies.ts';

const LAPTOP = device(2, { name: 'laptop' });
const PHONE = device(3, { name: 'phone' });
const BOBS = device(4, { name: 'bobs', user: 'bob' });
const EVES = device(5, { name: 'eves', user: 'eve' });
const LEES = device(6, { name: 'lees', user: 'lee' });
const NAS = device(7, { name: 'nas', user: '', tags: ['nas'] });
const ROUTER = device(8, { name: 'router', user: '', tags: ['router'], routes: ['192.168.7.0/24', '203.0.113.0/24'] });
const LAMP = device(9, { name: 'lamp', user: 'kim' });
const EXIT = device(10, { name: 'exit', user: '', tags: ['exit'], routes: ['0.0.0.0/0'] });
const BEHIND: BehindNode = { via: ROUTER, address: '192.168.7.9' };

const TABLES = {
  groups: { 'group:family': ['ada', 'eve', 'nobody'] },
  tagOwners: { 'tag:nas': [], 'tag:router': [], 'tag:exit': [] },
  hosts: { printer: '10.0.0.7', office: '192.168.7.0/24' },
};

type End = PolicyNode | BehindNode;

/** Asks one rule about TCP. */
function allows(src: string, dst: string, from: End, to: End | string, port = 22): boolean {
  return compiled({ ...TABLES, rules: [{ src: [src], dst: [dst] }] }).decide(from, to, 6, port).allowed;
}

test('what no rule allows is refused', () => {
  assert.equal(compiled('{}').decide(LAPTOP, PHONE, 6, 22), { allowed: false, because: 'default' });
});

test('a fresh network lets each user reach their own devices, and everyone what servers publish', () => {
  const policy = compiled(DEFAULT_POLICY);
  const allowed = (src: PolicyNode, dst: PolicyNode, protocol: number, port: number): boolean =>
    policy.decide(src, dst, protocol, port).allowed;
  assert.ok(allowed(LAPTOP, PHONE, 6, 22));
  assert.ok(allowed(LAPTOP, PHONE, 17, 5353));
  assert.not(allowed(LAPTOP, BOBS, 6, 22));
  assert.not(allowed(NAS, NAS, 6, 22));
  for (const one of [LAPTOP, BOBS, NAS]) {
    assert.ok(allowed(one, SERVER, 6, 80));
    assert.ok(allowed(one, SERVER, 6, 443));
    assert.ok(allowed(one, SERVER, 1, 0));
    assert.not(allowed(one, SERVER, 6, 22));
    assert.not(allowed(one, SERVER, 17, 80));
    assert.not(allowed(SERVER, one, 6, 80));
  }
});

test('what belongs to nobody yet is in a fresh network as what belongs to owners is', () => {
  const policy = compiled(DEFAULT_POLICY);
  const unclaimed = { ...LAPTOP, id: 'n90', name: 'new', user: '', addresses: ['10.0.0.90'] };
  const other = { ...unclaimed, id: 'n91', name: 'newer', addresses: ['10.0.0.91'] };
  for (const [src, dst] of [
    [unclaimed, other],
    [unclaimed, LAPTOP],
    [LAPTOP, unclaimed],
  ] as const) {
    assert.ok(policy.decide(src, dst, 6, 22).allowed);
  }
  for (const one of [BOBS, NAS]) {
    assert.not(policy.decide(unclaimed, one, 6, 22).allowed);
    assert.not(policy.decide(one, unclaimed, 6, 22).allowed);
  }
});

test('the rule that decided is named, the first where there are several', () => {
  const text =
    '{"rules": [\n{"src": ["bob"], "dst": ["*:*"]},\n{"src": ["ada"], "dst": ["*:22"]},\n{"src": ["*"], "dst": ["*:*"]}]}';
  assert.equal(compiled(text).decide(LAPTOP, NAS, 6, 22), { allowed: true, because: 'rule', rule: 1, line: 3 });
});

/** Who is meant, and who is not. */
const SELECTORS: readonly (readonly [selector: string, meant: readonly PolicyNode[]])[] = [
  ['*', [LAPTOP, PHONE, BOBS, EVES, NAS, ROUTER, LAMP, EXIT]],
  ['ada', [LAPTOP, PHONE]],
  ['group:family', [LAPTOP, PHONE, EVES]],
  ['tag:nas', [NAS]],
  ['node:lamp', [LAMP]],
  ['node:absent', []],
  ['printer', [NAS]],
  ['10.0.0.2', [LAPTOP]],
  ['10.0.0.4/31', [BOBS, EVES]],
  ['fd00::2', [LAPTOP]],
  ['autogroup:member', [LAPTOP, PHONE, BOBS, EVES, LAMP]],
  ['autogroup:admin', [LAPTOP, PHONE, BOBS]],
  ['autogroup:owner', [LAPTOP, PHONE]],
  ['autogroup:tagged', [NAS, ROUTER, EXIT]],
];

for (const [selector, meant] of SELECTORS) {
  test(`${selector} means whom it says, as a source and as a destination`, () => {
    const all = [LAPTOP, PHONE, BOBS, EVES, LEES, NAS, ROUTER, LAMP, EXIT];
    const named = (one: PolicyNode): boolean => meant.includes(one);
    const goal = selector.includes('::') ? `[${selector}]` : selector;
    for (const one of all) {
      assert.is(allows(selector, '*:*', one, NAS), named(one), `from ${one.name}`);
      assert.is(allows('*', `${goal}:*`, NAS, one), named(one), `to ${one.name}`);
    }
  });
}

test('autogroup:servers means servers', () => {
  assert.ok(allows('autogroup:servers', '*:*', SERVER, NAS));
  assert.not(allows('autogroup:servers', '*:*', LAPTOP, NAS));
  assert.ok(allows('*', 'autogroup:servers:22', NAS, SERVER));
  assert.not(allows('*', 'autogroup:servers:22', NAS, LAPTOP));
});

test('autogroup:self means the other devices of the same user, for the users that are sources', () => {
  assert.ok(allows('*', 'autogroup:self:22', LAPTOP, PHONE));
  assert.ok(allows('group:family', 'autogroup:self:22', LAPTOP, PHONE));
  assert.not(allows('bob', 'autogroup:self:22', LAPTOP, PHONE));
  assert.not(allows('*', 'autogroup:self:22', LAPTOP, EVES));
  assert.not(allows('*', 'autogroup:self:22', NAS, ROUTER), 'devices of nobody are not of one user');
});

test('ports and protocols narrow a rule, and ICMP has no ports', () => {
  const usual = compiled({ rules: [{ src: ['*'], dst: ['*:22,80-90'] }] });
  for (const [protocol, port, allowed] of [
    [6, 22, true],
    [6, 23, false],
    [17, 85, true],
    [132, 90, true],
    [132, 91, false],
    [1, 0, true],
    [58, 0, true],
    [47, 0, false],
  ] as const) {
    assert.is(usual.decide(LAPTOP, NAS, protocol, port).allowed, allowed, `${protocol} ${port}`);
  }
  const gre = compiled({ rules: [{ src: ['*'], dst: ['*:*'], proto: 'gre' }] });
  assert.ok(gre.decide(LAPTOP, NAS, 47, 0).allowed);
  assert.not(gre.decide(LAPTOP, NAS, 6, 22).allowed);
});

test('a network behind a router is reached by its prefix or host, and by *', () => {
  for (const dst of ['office:22', '192.168.7.9:22', '192.168.0.0/16:22', '*:22'])
    assert.ok(allows('ada', dst, LAPTOP, BEHIND));
  for (const dst of [
    '192.168.7.8:22',
    'tag:router:22',
    '10.0.0.8:22',
    'autogroup:internet:22',
    'autogroup:tagged:22',
  ]) {
    assert.not(allows('ada', dst, LAPTOP, BEHIND), dst);
  }
  assert.not(allows('ada', 'office:22', LAPTOP, ROUTER), 'a router is not the network behind it');
});

test('a public network behind a router is reached by its prefix alone', () => {
  const behind = { via: ROUTER, address: '203.0.113.9' };
  assert.ok(allows('ada', '203.0.113.0/24:22', LAPTOP, behind));
  for (const dst of ['*:22', 'autogroup:internet:22']) assert.not(allows('ada', dst, LAPTOP, behind));
});

test('the internet behind an exit node is autogroup:internet alone, and no network of its own is', () => {
  const far = { via: EXIT, address: '8.8.8.8' };
  assert.ok(allows('ada', 'autogroup:internet:22', LAPTOP, far));
  for (const dst of ['*:22', '0.0.0.0/0:22', '8.8.8.8:22']) assert.not(allows('ada', dst, LAPTOP, far), dst);
  for (const address of [
    '192.168.1.1',
    '10.9.9.9',
    '100.64.0.1',
    '127.0.0.1',
    '169.254.1.1',
    '224.0.0.1',
    '255.255.255.255',
  ]) {
    assert.not(allows('ada', 'autogroup:internet:22', LAPTOP, { via: EXIT, address }), address);
  }
  assert.is(compiled('{}').decide(LAPTOP, { via: EXIT, address: '2001:db8::1' }, 6, 22).because, 'unknown');
});

test('hosts behind a router have the rights of their address, and none of the router', () => {
  for (const src of ['office', '192.168.7.9', '*']) assert.ok(allows(src, 'tag:nas:22', BEHIND, NAS), src);
  for (const src of ['tag:router', '10.0.0.8', 'autogroup:tagged', '192.168.7.8']) {
    assert.not(allows(src, 'tag:nas:22', BEHIND, NAS), src);
  }
  assert.is(
    compiled({ rules: [{ src: ['*'], dst: ['*:*'] }] }).decide({ via: EXIT, address: '8.8.8.8' }, NAS, 6, 22).because,
    'unknown',
  );
});

test('an address of its own, behind a node, is the node', () => {
  assert.ok(allows('ada', 'tag:nas:22', { via: LAPTOP, address: 'fd00::2' }, { via: NAS, address: '10.0.0.7' }));
});

test('an address alone is one behind whichever node leads there', () => {
  assert.ok(allows('ada', 'office:22', LAPTOP, '192.168.7.9'));
  assert.ok(allows('ada', '*:22', LAPTOP, '192.168.7.9'));
  assert.ok(allows('ada', 'autogroup:internet:22', LAPTOP, '8.8.8.8'));
  assert.ok(allows('ada', '8.8.8.0/24:22', LAPTOP, '8.8.8.8'));
  assert.not(allows('ada', '*:22', LAPTOP, '8.8.8.8'));
  assert.is(compiled('{}').decide(LAPTOP, 'nas', 6, 22).because, 'unknown');
});

test('devices of a user who is disabled or gone take no part, not even by the floor', () => {
  const policy = compiled({ rules: [{ src: ['*'], dst: ['*:*'] }] });
  for (const one of [LEES, device(11, { user: 'gone' })]) {
    assert.equal(policy.decide(one, SERVER, 6, 443), { allowed: false, because: 'disabled' });
    assert.equal(policy.decide(SERVER, one, 6, 22), { allowed: false, because: 'disabled' });
    assert.not(policy.sees(policy.classOf(one), policy.classOf(SERVER)));
    assert.equal(policy.filterFor(policy.classOf(one)), []);
  }
});

test('an unknown member of a group breaks nothing for the others', () => {
  const policy = compiled({ ...TABLES, rules: [{ src: ['group:family', 'nobody'], dst: ['tag:nas:22'] }] });
  assert.ok(policy.decide(EVES, NAS, 6, 22).allowed);
  assert.equal(
    policy.warnings.map(({ code }) => code),
    ['MEMBER_UNKNOWN', 'USER_UNKNOWN'],
  );
});

test('a node is named by its id: who takes its name takes none of its rights', () => {
  const policy = compiled({ rules: [{ src: ['node:lamp'], dst: ['*:22'] }] });
  assert.ok(policy.decide(device(9, { name: 'renamed', user: 'kim' }), NAS, 6, 22).allowed);
  assert.not(policy.decide(device(12, { name: 'lamp', user: 'kim' }), NAS, 6, 22).allowed);
});

test('a policy that denies all leaves what the floor gives', () => {
  const policy = compiled('{"rules": []}');
  const because = (src: End, protocol: number, port: number): string =>
    policy.decide(src, SERVER, protocol, port).because;
  const second = device(20, { name: 'second', role: 'server', user: '' });
  for (const src of [LAPTOP, NAS, second, BEHIND]) {
    for (const port of [443, 8443, 53]) assert.is(because(src, 6, port), 'floor');
    assert.is(because(src, 17, 53), 'floor');
    assert.is(because(src, 58, 0), 'floor');
  }
  for (const [protocol, port] of [
    [6, 2379],
    [6, 2380],
    [6, 6443],
    [6, 10_250],
    [17, 8472],
    [17, 51_820],
  ] as const) {
    assert.is(because(second, protocol, port), 'floor');
    assert.is.not(because(LAPTOP, protocol, port), 'floor');
  }
  assert.is(because(second, 6, 22), 'default');
  assert.is(policy.decide(LAPTOP, NAS, 1, 0).because, 'default', 'the floor is of servers');
});

test('no policy opens the ports of the cluster to others than servers', () => {
  const policy = compiled('{"rules": [\n{"src": ["*", "10.0.0.0/8"], "dst": ["*:*"]}]}');
  for (const [protocol, port] of [
    [6, 2379],
    [6, 2380],
    [6, 10_250],
    [17, 8472],
  ] as const) {
    const { what, ...verdict } = policy.decide(LAPTOP, SERVER, protocol, port);
    assert.equal(verdict, { allowed: false, because: 'ceiling', rule: 0, line: 2 });
    assert.ok(what);
    assert.ok(policy.decide(LAPTOP, NAS, protocol, port).allowed, 'a client has no cluster');
  }
  assert.ok(policy.decide(LAPTOP, SERVER, 17, 2379).allowed);
});

test('a policy opens the Kubernetes API to owners and admins, if it names users, and to nobody else', () => {
  const open = (src: string, node: End): string =>
    compiled({ ...TABLES, rules: [{ src: [src], dst: ['autogroup:servers:6443'] }] }).decide(node, SERVER, 6, 6443)
      .because;
  for (const src of ['*', 'autogroup:member', 'group:family', 'ada', 'autogroup:owner'])
    assert.is(open(src, LAPTOP), 'rule', src);
  assert.is(open('bob', BOBS), 'rule');
  for (const src of ['*', 'autogroup:member', 'group:family', 'eve']) assert.is(open(src, EVES), 'ceiling', src);
  for (const src of ['10.0.0.2', '10.0.0.0/8']) assert.is(open(src, LAPTOP), 'ceiling', src);
  assert.is(open('tag:nas', NAS), 'ceiling');
  assert.is(open('*', BEHIND), 'ceiling');
  assert.is(compiled('{}').decide(LAPTOP, SERVER, 6, 6443).because, 'ceiling');
});

test('a trace says in one line which rule decided, or that none did', () => {
  const text =
    '{"tagOwners": {"tag:nas": []}, "rules": [\n{"src": ["ada"], "dst": ["tag:nas:22", "autogroup:servers:*"]}]}';
  const policy = compiled(text, FACTS);
  const trace = (src: End, dst: End | string, protocol: number, port: number): string =>
    formatTrace({ src, dst, protocol, port }, policy.decide(src, dst, protocol, port));
  assert.is(trace(LAPTOP, NAS, 6, 22), 'laptop to nas, tcp 22: allowed by rules[0], line 2');
  assert.is(trace(LAPTOP, NAS, 58, 0), 'laptop to nas, ipv6-icmp: allowed by rules[0], line 2');
  assert.is(trace(BOBS, NAS, 17, 22), 'bobs to nas, udp 22: refused: no rule allows it');
  assert.is(
    trace(LAPTOP, SERVER, 6, 2379),
    'laptop to server, tcp 2379: refused by the ceiling: etcd of servers, which no policy opens to it; rules[0], line 2 would allow it',
  );
  assert.is(
    trace(BOBS, SERVER, 6, 53),
    'bobs to server, tcp 53: allowed by the floor: DNS of servers, which no policy takes away',
  );
  assert.is(
    trace(LEES, NAS, 47, 0),
    'lees to nas, gre: refused: the device of a user who is disabled or gone takes no part',
  );
  assert.is(
    trace(BEHIND, '192.0.2.1', 200, 0),
    '192.168.7.9 behind router to 192.0.2.1, protocol 200: refused: no rule allows it',
  );
});

test.run();
