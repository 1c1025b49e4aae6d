import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  approvesExit,
  approvesRoute,
  formatTestFailure,
  mayTag,
  type PolicyNode,
  runPolicyTests,
} from '../src/index.ts';
import { compiled, device, SERVER } from './policies.ts';

const NAS = device(7, { name: 'nas', user: '', tags: ['nas'] });
const ROUTER = device(8, { name: 'router', user: '', tags: ['router'], routes: ['192.168.7.0/24'] });
const EXIT = device(10, { name: 'exit', user: '', tags: ['exit'], routes: ['::/0'] });
const NETWORK = [
  SERVER,
  device(2),
  device(3),
  device(4, { user: 'bob' }),
  NAS,
  ROUTER,
  EXIT,
  device(6, { user: 'lee' }),
];

/** What of one test does not hold, as text. */
function failures(one: object, nodes: readonly PolicyNode[] = NETWORK): string[] {
  const text = {
    groups: { 'group:family': ['ada', 'eve'] },
    tagOwners: { 'tag:nas': [], 'tag:router': [], 'tag:exit': [], 'tag:none': [] },
    hosts: { office: '192.168.7.0/24' },
    rules: [
      { src: ['group:family'], dst: ['tag:nas:22', 'office:445', 'autogroup:self:*'] },
      { src: ['ada'], dst: ['autogroup:internet:*', '10.0.0.4:80'] },
    ],
    tests: [one],
  };
  return runPolicyTests(compiled(text), nodes).map(formatTestFailure);
}

test('tests that hold are silent, with nodes and before there are any', () => {
  const right = [
    {
      src: 'ada',
      accept: ['tag:nas:22', 'autogroup:self:1', 'office:445', 'autogroup:internet:443'],
      deny: ['tag:nas:23'],
    },
    { src: 'group:family', accept: ['tag:nas:22'], deny: ['10.0.0.4:22', 'node:absent:22'] },
    { src: 'bob', deny: ['tag:nas:22', 'office:445', 'autogroup:internet:443', 'ada:22', 'autogroup:self:22'] },
    { src: 'tag:nas', deny: ['autogroup:self:22', 'autogroup:member:22'] },
    { src: '*', accept: ['autogroup:servers:8443'], deny: ['autogroup:servers:2379', '192.168.7.9:446'] },
    { src: 'autogroup:admin', deny: ['tag:none:22', 'autogroup:tagged:25'] },
    { src: 'office', deny: ['tag:nas:22'] },
    { src: 'eve', accept: ['tag:nas:*'], proto: 'icmp' },
    { src: 'eve', accept: ['tag:nas:22'], proto: ['udp', 'tcp'] },
  ];
  for (const one of right) {
    // Servers reach each other's cluster ports whatever is denied to everybody.
    const nodes = one.src === '*' ? NETWORK.filter(({ role }) => role === 'client') : NETWORK;
    assert.equal(failures(one, nodes), [], one.src);
    assert.equal(failures(one, []), [], one.src);
  }
});

test('a test that does not hold says where it stands, who, and which rule decided', () => {
  assert.equal(failures({ src: 'bob', accept: ['tag:nas:22'] }), [
    'line 1, column 330, tests[0].accept[0]: expected accept, and node-4 to nas, tcp 22: refused: no rule allows it',
  ]);
  const [text] = failures({ src: 'ada', deny: ['tag:nas:25', 'tag:nas:22'] });
  assert.match(
    text!,
    /tests\[0\]\.deny\[1\]: expected deny, and node-2 to nas, tcp 22: allowed by rules\[0\], line 1$/,
  );
});

test('a test of accept asks for every node and protocol, one of deny for none', () => {
  assert.is(failures({ src: 'group:family', accept: ['10.0.0.4:80'] }).length, 1, 'ada may, eve may not');
  assert.is(failures({ src: 'group:family', deny: ['10.0.0.4:80'] }).length, 1);
  assert.is(
    failures({ src: 'ada', accept: ['tag:nas:*'], proto: ['icmp', 'gre'] }).length,
    1,
    'ping goes, GRE does not',
  );
});

test('where no node is named yet, a device is made up as the selector describes it', () => {
  assert.match(failures({ src: 'eve', accept: ['tag:none:22'] })[0]!, /a device of eve to a device with tag:none/);
  assert.match(failures({ src: 'bob', accept: ['autogroup:self:22'] }, [])[0]!, /a device of bob to a device of bob/);
  assert.match(failures({ src: 'node:absent', accept: ['192.168.7.9:1'] }, [])[0]!, /absent to 192\.168\.7\.9, tcp 1/);
});

test('a test with a user who is disabled or unknown accepts nothing', () => {
  for (const src of ['lee', 'nobody']) {
    assert.match(failures({ src, accept: ['autogroup:servers:443'] })[0]!, /disabled or gone takes no part/);
  }
});

const APPROVING = compiled({
  groups: { 'group:crew': ['eve', 'lee'] },
  tagOwners: { 'tag:router': ['group:crew', 'autogroup:owner'], 'tag:exit': [], 'tag:any': ['autogroup:member'] },
  autoApprovers: {
    routes: { '192.168.0.0/16': ['tag:router', 'eve'], '0.0.0.0/0': ['kim'] },
    exitNode: ['tag:exit', 'group:crew'],
  },
});

test('a route is approved within a range, for the nodes that the range names', () => {
  for (const route of ['192.168.0.0/16', '192.168.7.0/24', '192.168.7.9/32']) {
    assert.ok(approvesRoute(APPROVING, ROUTER, route), route);
    assert.ok(approvesRoute(APPROVING, device(5, { user: 'eve' }), route), route);
    assert.not(approvesRoute(APPROVING, NAS, route), route);
  }
  for (const route of ['192.168.0.0/15', '10.0.0.0/24', 'fd00::/64', '::/0', '0.0.0.0/0', 'x']) {
    assert.not(approvesRoute(APPROVING, ROUTER, route), route);
  }
});

test('an exit node is approved as one, and by no range', () => {
  assert.ok(approvesExit(APPROVING, EXIT));
  assert.ok(approvesExit(APPROVING, device(5, { user: 'eve' })));
  assert.not(approvesExit(APPROVING, device(9, { user: 'kim' })));
  assert.not(approvesRoute(APPROVING, device(9, { user: 'kim' }), '0.0.0.0/0'));
});

test('devices of a disabled user are approved for nothing', () => {
  assert.not(approvesExit(APPROVING, device(5, { user: 'lee' })));
  assert.not(mayTag(APPROVING, 'lee', 'router'));
});

test('a tag is given by its owners, and one without an entry by admins and owners', () => {
  const givers = (tag: string): string[] =>
    ['ada', 'bob', 'eve', 'kim', 'nobody'].filter((user) => mayTag(APPROVING, user, tag));
  assert.equal(givers('router'), ['ada', 'eve']);
  assert.equal(givers('exit'), []);
  assert.equal(givers('any'), ['ada', 'bob', 'eve', 'kim']);
  assert.equal(givers('other'), ['ada', 'bob']);
});

test.run();
