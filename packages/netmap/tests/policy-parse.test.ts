import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  compilePolicy,
  DEFAULT_POLICY,
  formatProblem,
  POLICY_LIMITS,
  type Policy,
  type PolicyProblem,
  parsePolicy,
} from '../src/index.ts';
import { FACTS, policies } from './policies.ts';

function parse(text: string | object): Policy {
  const result = parsePolicy(typeof text === 'string' ? text : JSON.stringify(text));
  if ('problems' in result) throw new Error(result.problems.map(formatProblem).join('\n'));
  return result.policy;
}

function problems(text: string | object): readonly PolicyProblem[] {
  const result = parsePolicy(typeof text === 'string' ? text : JSON.stringify(text));
  if ('policy' in result) throw new Error('the policy was taken');
  return result.problems;
}

/** A policy with one rule, and around it what rules may name. */
function withRule(rule: object): object {
  return {
    groups: { 'group:family': ['ada'] },
    tagOwners: { 'tag:nas': [] },
    hosts: { office: '192.168.7.0/24', printer: '10.0.0.9' },
    rules: [rule],
  };
}

const WHOLE = `{
  "groups":    { "group:family": ["ada", "bob"] },
  "tagOwners": { "tag:nas": ["group:family", "autogroup:admin"], "tag:router": [], "tag:exit": [] },
  "hosts":     { "office": "192.168.7.0/24", "printer": "10.0.0.9" },
  "rules": [
    { "src": ["group:family"], "dst": ["tag:nas:22,80-443", "autogroup:self:*"], "proto": "tcp" }, // both
  ],
  "autoApprovers": { "routes": { "192.168.0.0/16": ["tag:router"] }, "exitNode": ["tag:exit"] },
  "tests": [ { "src": "ada", "accept": ["tag:nas:22"], "deny": ["tag:nas:25"], "proto": "tcp" } ],
}`;

test('a whole policy is read', () => {
  const { groups, tagOwners, hosts, rules, routeApprovers, exitApprovers, tests } = parse(WHOLE);
  assert.equal(
    groups.get('family')?.map(({ name }) => name),
    ['ada', 'bob'],
  );
  assert.equal(
    tagOwners.get('nas')?.map(({ written }) => written),
    ['group:family', 'autogroup:admin'],
  );
  assert.equal([...hosts.keys()], ['office', 'printer']);
  assert.equal([rules[0]!.line, rules[0]!.column, rules[0]!.protocols], [6, 5, [6]]);
  assert.equal(
    rules[0]!.dst.map(({ selector, ports }) => [selector.written, ports]),
    [
      [
        'tag:nas',
        [
          [22, 22],
          [80, 443],
        ],
      ],
      ['autogroup:self', [[0, 65_535]]],
    ],
  );
  assert.is(routeApprovers[0]?.approvers[0]?.written, 'tag:router');
  assert.is(exitApprovers[0]?.written, 'tag:exit');
  assert.equal([tests[0]?.accept[0]?.port, tests[0]?.deny[0]?.port, tests[0]?.protocols], [22, 25, [6]]);
});

test('an empty policy, the default and rules under their other name are policies', () => {
  assert.is(parse('{}').rules.length, 0);
  assert.is(parse(DEFAULT_POLICY).rules.length, 5);
  const acls = parse({ acls: [{ action: 'accept', src: ['*'], dst: ['*:*'] }] });
  assert.is(acls.rules.length, 1);
  assert.is(parse({ rules: [{ action: 'accept', src: ['*'], dst: ['*:*'] }] }).rules.length, 1);
});

/** The code, the place, and the value of the only problem of a text. */
const PLACES: readonly (readonly [
  text: string,
  code: string,
  line: number,
  column: number,
  field: string,
  value?: string,
])[] = [
  ['[]', 'TYPE', 1, 1, ''],
  ['{\n "rule": []}', 'KEY_UNKNOWN', 2, 2, 'rule', 'rule'],
  ['{"rules": [],\n\n  "rules": []}', 'KEY_TWICE', 3, 3, 'rules', 'rules'],
  ['{"rules": [],\n "acls": []}', 'KEY_TWICE', 2, 10, 'acls'],
  ['{"rules": {}}', 'TYPE', 1, 11, 'rules'],
  ['{"rules": [7]}', 'TYPE', 1, 12, 'rules[0]', '7'],
  ['{"rules": [{"src": ["*"]}]}', 'KEY_MISSING', 1, 12, 'rules[0]'],
  ['{"rules": [{"src": [],\n "dst": ["*:*"]}]}', 'KEY_MISSING', 1, 20, 'rules[0].src'],
  ['{"rules": [{"src": ["*"], "dst": ["*:*"], "port": 1}]}', 'KEY_UNKNOWN', 1, 43, 'rules[0].port', 'port'],
  ['{"rules": [{"src": "*", "dst": ["*:*"]}]}', 'TYPE', 1, 20, 'rules[0].src', '*'],
  ['{"rules": [{"src": [null], "dst": ["*:*"]}]}', 'TYPE', 1, 21, 'rules[0].src[0]'],
  ['{"rules": [{"action": "drop", "src": ["*"], "dst": ["*:*"]}]}', 'ACTION_INVALID', 1, 23, 'rules[0].action', 'drop'],
  ['{"acls": [{"src": ["*"], "dst": ["*:*"]}]}', 'KEY_MISSING', 1, 11, 'acls[0]'],
  ['{"rules": [{"src": ["*"], "dst": ["*:*", "*:x"]}]}', 'PORTS_INVALID', 1, 42, 'rules[0].dst[1]', '*:x'],
  ['{"groups": {"family": []}}', 'NAME_INVALID', 1, 13, 'groups.family', 'family'],
  ['{"groups": {"group:Family": []}}', 'NAME_INVALID', 1, 13, 'groups.group:Family', 'group:Family'],
  ['{"groups": {"group:a": ["group:a"]}}', 'SELECTOR_MISPLACED', 1, 25, 'groups.group:a[0]', 'group:a'],
  ['{"tagOwners": {"tag:1": []}}', 'NAME_INVALID', 1, 16, 'tagOwners.tag:1', 'tag:1'],
  ['{"tagOwners": {"tag:a": ["tag:a"]}}', 'SELECTOR_MISPLACED', 1, 26, 'tagOwners.tag:a[0]', 'tag:a'],
  ['{"hosts": {"10.0.0.1": "10.0.0.1"}}', 'NAME_INVALID', 1, 12, 'hosts.10.0.0.1', '10.0.0.1'],
  ['{"hosts": {"a": "10.0.0.256"}}', 'ADDRESS_INVALID', 1, 17, 'hosts.a', '10.0.0.256'],
  ['{"autoApprovers": {"route": {}}}', 'KEY_UNKNOWN', 1, 20, 'autoApprovers.route', 'route'],
  [
    '{"autoApprovers": {"routes": {"10.0.0.1/8": []}}}',
    'ADDRESS_INVALID',
    1,
    31,
    'autoApprovers.routes.10.0.0.1/8',
    '10.0.0.1/8',
  ],
  ['{"autoApprovers": {"exitNode": ["*"]}}', 'SELECTOR_MISPLACED', 1, 33, 'autoApprovers.exitNode[0]', '*'],
  ['{"tests": [{"accept": ["*:1"]}]}', 'KEY_MISSING', 1, 12, 'tests[0]'],
  ['{"tests": [{"src": "*"}]}', 'KEY_MISSING', 1, 12, 'tests[0]'],
  ['{"tests": [{"src": "*", "deny": ["*:1-2"]}]}', 'PORTS_INVALID', 1, 34, 'tests[0].deny[0]', '*:1-2'],
  ['{"tests": [{"src": "*", "deny": ["*:1"], "proto": "icmp"}]}', 'PORTS_INVALID', 1, 34, 'tests[0].deny[0]', '*:1'],
  ['{"tests": [{"src": "*", "deny": ["*:*"], "proto": "tcp"}]}', 'PORTS_INVALID', 1, 34, 'tests[0].deny[0]', '*:*'],
  ['{"rules": [\n  {"src": ["*"] "dst": []}]}', 'SYNTAX', 2, 17, ''],
];

for (const [text, code, line, column, field, value] of PLACES) {
  test(`${code} at line ${line}, column ${column} of ${JSON.stringify(text)}`, () => {
    const [first, ...more] = problems(text);
    assert.equal(more, []);
    const { message, ...rest } = first!;
    assert.equal(rest, { code, line, column, field, ...(value === undefined ? {} : { value }) });
    assert.ok(message.length > 5);
  });
}

test('a source names somebody there can be', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['group:famly', 'NAME_UNKNOWN'],
    ['tag:nsa', 'NAME_UNKNOWN'],
    ['tag:', 'NAME_UNKNOWN'],
    ['autogroup:members', 'SELECTOR_INVALID'],
    ['autogroup:self', 'SELECTOR_MISPLACED'],
    ['autogroup:internet', 'SELECTOR_MISPLACED'],
    ['node:Laptop', 'NAME_INVALID'],
    ['10.0.0.9/24', 'ADDRESS_INVALID'],
    ['10.0.0.0/33', 'ADDRESS_INVALID'],
    ['10.0.0', 'ADDRESS_INVALID'],
    ['010.0.0.1', 'ADDRESS_INVALID'],
    ['fd00::1::', 'ADDRESS_INVALID'],
    ['user:ada', 'SELECTOR_INVALID'],
    ['office/24', 'SELECTOR_INVALID'],
    ['Ada', 'SELECTOR_INVALID'],
    ['', 'SELECTOR_INVALID'],
    ['ada@example.org', 'SELECTOR_INVALID'],
    ['__proto__', 'SELECTOR_INVALID'],
  ];
  for (const [source, code] of cases) {
    assert.equal(
      problems(withRule({ src: [source], dst: ['*:*'] })).map((each) => each.code),
      [code],
      source,
    );
  }
  for (const source of [
    '*',
    'ada',
    'a.b-c_d',
    '1',
    'group:family',
    'tag:nas',
    'node:nas-2',
    'office',
    'fd00::/8',
    '10.0.0.9',
  ]) {
    assert.is(parse(withRule({ src: [source], dst: ['*:*'] })).rules[0]!.src[0]!.written, source);
  }
});

test('ports stand behind the last colon, and IPv6 addresses in brackets', () => {
  const cases: readonly (readonly [text: string, selector: string, ports: readonly (readonly [number, number])[]])[] = [
    ['ada:22', 'ada', [[22, 22]]],
    ['*:*', '*', [[0, 65_535]]],
    [
      'tag:nas:443,80,81-90,85',
      'tag:nas',
      [
        [80, 90],
        [443, 443],
      ],
    ],
    ['node:nas:1-65535', 'node:nas', [[1, 65_535]]],
    ['10.0.0.0/8:22', '10.0.0.0/8', [[22, 22]]],
    ['office:445', 'office', [[445, 445]]],
    ['[fd00::1]:22', 'fd00::1', [[22, 22]]],
    ['[fd00::/64]:22', 'fd00::/64', [[22, 22]]],
    ['[fd00::]/64:22', 'fd00::/64', [[22, 22]]],
    ['autogroup:self:*', 'autogroup:self', [[0, 65_535]]],
  ];
  for (const [text, selector, ports] of cases) {
    const destination = parse(withRule({ src: ['*'], dst: [text] })).rules[0]!.dst[0]!;
    assert.equal([destination.selector.written, destination.ports], [selector, ports]);
  }
});

test('a destination without ports, with bad ones or with an IPv6 address out of brackets is refused', () => {
  const cases: readonly (readonly [string, string])[] = [
    ...['ada', '*', 'tag:nas', 'node:nas', 'group:family', 'autogroup:self'].map(
      (text) => [text, 'PORTS_INVALID'] as const,
    ),
    ...['', '0', '65536', '2-1', '1-', '-1', '1-2-3', '1,,2', '1 ', '01', '*,1', '1.5', '1e3', 'ssh'].map(
      (ports) => [`ada:${ports}`, 'PORTS_INVALID'] as const,
    ),
    [`ada:${Array.from({ length: 65 }, (_, i) => i + 1).join(',')}`, 'PORTS_INVALID'],
    ['fd00::1:22', 'SELECTOR_INVALID'],
    ['[fd00::1]', 'SELECTOR_INVALID'],
    ['[fd00::/64]/64:1', 'SELECTOR_INVALID'],
    ['[10.0.0.1]:22', 'SELECTOR_INVALID'],
    ['[fd00::1/x]:22', 'SELECTOR_INVALID'],
    ['[fd00::1::]:22', 'ADDRESS_INVALID'],
    [':22', 'SELECTOR_INVALID'],
  ];
  for (const [text, code] of cases) {
    assert.equal(
      problems(withRule({ src: ['*'], dst: [text] })).map((each) => each.code),
      [code],
      text,
    );
  }
});

test('who forgot the ports is told so', () => {
  for (const text of ['ada', 'tag:nas', 'autogroup:self']) {
    const [first] = problems(withRule({ src: ['*'], dst: [text] }));
    assert.is(first!.message, `the ports are missing: "${text}:*" is all of them`);
  }
});

test('protocols are names and numbers, icmp being that of both families', () => {
  const cases: readonly (readonly [unknown, readonly number[]])[] = [
    [undefined, []],
    ['tcp', [6]],
    [47, [47]],
    ['47', [47]],
    [
      ['udp', 'tcp', 6],
      [6, 17],
    ],
    ['icmp', [1, 58]],
    ['ipv6-icmp', [58]],
    [58, [58]],
    [0, [0]],
    [255, [255]],
  ];
  for (const [proto, numbers] of cases) {
    assert.equal(parse(withRule({ src: ['*'], dst: ['*:*'], proto })).rules[0]!.protocols, numbers);
  }
  for (const proto of ['TCP', 'http', 256, -1, 1.5, [], '', '*', 'constructor']) {
    const codes = problems(withRule({ src: ['*'], dst: ['*:*'], proto })).map((each) => each.code);
    assert.equal(codes, ['PROTOCOL_INVALID'], `${proto}`);
  }
});

test('ports of a protocol that has none are refused, ICMP beside one that has let be', () => {
  for (const proto of ['icmp', 'gre', ['tcp', 'gre'], ['icmp', 47]]) {
    assert.is(problems(withRule({ src: ['*'], dst: ['*:22'], proto }))[0]?.code, 'PORTS_INVALID');
  }
  for (const proto of [undefined, ['tcp', 'icmp'], 'sctp']) parse(withRule({ src: ['*'], dst: ['*:22'], proto }));
});

test('autogroup:self needs users as sources', () => {
  for (const src of ['tag:nas', 'office', 'node:nas', 'autogroup:servers', 'autogroup:tagged']) {
    const [first] = problems(withRule({ src: ['ada', src], dst: ['autogroup:self:*'] }));
    assert.equal([first?.code, first?.field], ['SELECTOR_MISPLACED', 'rules[0]']);
  }
  for (const src of ['*', 'ada', 'group:family', 'autogroup:admin']) {
    parse(withRule({ src: [src], dst: ['autogroup:self:*'] }));
  }
});

test('all problems are found at once, up to a limit', () => {
  const rules = Array.from({ length: 300 }, () => ({ src: ['tag:absent'], dst: ['*:x'] }));
  assert.is(problems({ rules: rules.slice(0, 3) }).length, 6);
  assert.is(problems({ rules }).length, POLICY_LIMITS.PROBLEMS);
});

test('too long a text and too many of anything are refused', () => {
  const many = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
  const rule = { src: ['*'], dst: ['*:*'] };
  assert.is(problems(`{}${' '.repeat(POLICY_LIMITS.TEXT_BYTES)}`)[0]?.code, 'TOO_LARGE');
  assert.is(problems(`{}//${'é'.repeat(POLICY_LIMITS.TEXT_BYTES / 2)}`)[0]?.code, 'TOO_LARGE');
  parse(`{}${' '.repeat(POLICY_LIMITS.TEXT_BYTES - 2)}`);
  const cases = [
    { rules: many(POLICY_LIMITS.RULES + 1, () => rule) },
    { rules: [{ ...rule, src: many(POLICY_LIMITS.SELECTORS + 1, () => '*') }] },
    { rules: [{ ...rule, proto: many(POLICY_LIMITS.PROTOCOLS + 1, () => 6) }] },
    { groups: { 'group:a': many(POLICY_LIMITS.MEMBERS + 1, () => 'a') } },
    { groups: Object.fromEntries(many(POLICY_LIMITS.GROUPS + 1, (i) => [`group:${i}`, ['a']])) },
    { tests: many(POLICY_LIMITS.TESTS + 1, () => ({ src: '*', deny: ['*:1'] })) },
  ];
  for (const text of cases)
    assert.equal(
      problems(text).map(({ code }) => code),
      ['TOO_MANY'],
    );
});

test('an empty group warns', () => {
  const result = parsePolicy('{"groups": {"group:a": []}}');
  assert.ok('warnings' in result);
  assert.equal(
    result.warnings.map(({ code, column }) => [code, column]),
    [['GROUP_EMPTY', 13]],
  );
});

test('names that nobody has warn where they stand, and are no problem', () => {
  const text = {
    groups: { 'group:a': ['ada', 'zoe'] },
    hosts: { bob: '10.0.0.9' },
    rules: [{ src: ['yan', 'lee', 'bob', 'node:lamp'], dst: ['node:absent:*'] }],
  };
  const { warnings } = compilePolicy(parse(text), FACTS);
  assert.equal(
    warnings.map(({ code, field, value }) => [code, field, value]),
    [
      ['MEMBER_UNKNOWN', 'groups.group:a[1]', 'zoe'],
      ['HOST_HIDES_USER', 'hosts.bob', 'bob'],
      ['USER_UNKNOWN', 'rules[0].src[0]', 'yan'],
      ['NODE_UNKNOWN', 'rules[0].dst[0]', 'node:absent'],
    ],
  );
});

test('a policy says which nodes it names, wherever it does', () => {
  const text = {
    tagOwners: {},
    rules: [{ src: ['node:a'], dst: ['node:b:*'] }],
    autoApprovers: { routes: { '192.168.0.0/16': ['node:c'] }, exitNode: ['node:d'] },
    tests: [{ src: 'node:e', accept: ['node:f:1'], deny: ['node:g:1'] }],
  };
  assert.equal([...parse(text).nodeNames].sort(), ['a', 'b', 'c', 'd', 'e', 'f', 'g']);
});

test('no text makes the reader throw, and every problem lies inside the text', () => {
  const text = fc.oneof(
    fc.string({ maxLength: 60 }),
    fc.jsonValue().map((value) => JSON.stringify(value)),
    fc
      .tuple(policies, fc.nat(), fc.nat(4), fc.constantFrom('', '"', '[', '{', ':', '*', 'x', '/*', '\n'))
      .map(([policy, at, length, piece]) => {
        const whole = JSON.stringify(policy, undefined, 1);
        const start = at % whole.length;
        return whole.slice(0, start) + piece + whole.slice(start + length);
      }),
  );
  fc.assert(
    fc.property(text, (one) => {
      const result = parsePolicy(one);
      if ('policy' in result) return;
      assert.ok(result.problems.length > 0);
      const lines = one.split('\n');
      for (const { line, column } of result.problems) {
        assert.ok(line >= 1 && line <= lines.length && column >= 1 && column <= lines[line - 1]!.length + 1);
      }
    }),
    { numRuns: 2000 },
  );
});

test.run();
