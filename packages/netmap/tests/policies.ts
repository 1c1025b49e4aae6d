import fc from 'fast-check';
import { type CompiledPolicy, compilePolicy, type PolicyFacts, type PolicyNode, parsePolicy } from '../src/index.ts';

export const FACTS: PolicyFacts = {
  users: [
    { name: 'ada', role: 'owner', disabled: false },
    { name: 'bob', role: 'admin', disabled: false },
    { name: 'eve', role: 'member', disabled: false },
    { name: 'kim', role: 'member', disabled: false },
    { name: 'lee', role: 'admin', disabled: true },
  ],
  nodes: [{ name: 'lamp', id: 'n9' }],
};

/** A policy that must be one, compiled. */
export function compiled(text: string | object, facts: PolicyFacts = FACTS): CompiledPolicy {
  const result = parsePolicy(typeof text === 'string' ? text : JSON.stringify(text));
  if ('problems' in result) throw new Error(JSON.stringify(result.problems));
  return compilePolicy(result.policy, facts);
}

/** The client at 10.0.0.INDEX of a user. */
export function device(index: number, traits: Partial<PolicyNode> = {}): PolicyNode {
  return {
    id: `n${index}`,
    name: `node-${index}`,
    user: 'ada',
    tags: [],
    role: 'client',
    addresses: [`10.0.0.${index}`, `fd00::${index}`],
    routes: [],
    ...traits,
  };
}

export const SERVER: PolicyNode = device(1, { name: 'server', role: 'server', user: '' });

/** A node of few kinds, so that several are of one class and rules often concern it. */
export const nodes: fc.Arbitrary<PolicyNode> = fc
  .record({
    index: fc.integer({ min: 1, max: 12 }),
    role: fc.constantFrom('client', 'client', 'server'),
    owner: fc.oneof(
      fc
        .constantFrom('ada', 'ada', 'bob', 'bob', 'eve', 'eve', 'kim', 'kim', 'lee', 'gone')
        .map((user) => ({ user, tags: [] })),
      fc.subarray(['nas', 'router', 'web']).map((tags) => ({ user: '', tags })),
    ),
    routes: fc.subarray([
      '192.168.7.0/24',
      '192.168.0.0/16',
      '203.0.113.0/24',
      '0.0.0.0/0',
      '::/0',
      'fd77::/48',
      '64.0.0.0/2',
    ]),
    isRouter: fc.boolean(),
  })
  .map(({ index, role, owner, routes, isRouter }) => {
    const name = index === 9 ? 'lamp' : `node-${index}`;
    return device(index, { name, role: role as PolicyNode['role'], ...owner, routes: isRouter ? routes : [] });
  });

/** As likely as any of the others together, so that rules meet. */
const all = fc.constant('*');
const userSource = fc.constantFrom(
  '*',
  'ada',
  'eve',
  'lee',
  'nobody',
  'group:some',
  'autogroup:member',
  'autogroup:admin',
  'autogroup:owner',
);
const otherSource = fc.constantFrom(
  ...['tag:nas', 'tag:router', 'node:lamp', 'node:absent', 'office', 'printer', '10.0.0.0/29', 'fd00::8/125'],
  ...['192.168.7.9', 'autogroup:tagged', 'autogroup:servers', 'autogroup:unclaimed', '203.0.113.0/25', '0.0.0.0/0'],
);
const ports = fc.constantFrom(
  '*',
  '*',
  '22',
  '80,443',
  '2379',
  '6443',
  '6000-7000',
  '53,8472-9000',
  '1-65535',
  '10250,22',
);
const goal = fc.oneof(all, userSource, otherSource, fc.constantFrom('autogroup:internet', 'autogroup:internet'));

/** Of destination and ports the text; an IPv6 address is put into brackets. */
const destination = fc.tuple(goal, ports).map(([name, list]) => `${name.includes('::') ? `[${name}]` : name}:${list}`);
const proto = fc.constantFrom(undefined, undefined, undefined, 'tcp', 'udp', ['tcp', 'udp'], ['tcp', 'icmp'], ['sctp']);

const rule = fc.oneof(
  fc.record({
    src: fc.array(fc.oneof(all, userSource, otherSource), { minLength: 1, maxLength: 3 }),
    dst: fc.array(destination, { minLength: 1, maxLength: 3 }),
    proto,
  }),
  fc.record({
    src: fc.array(userSource, { minLength: 1, maxLength: 2 }),
    dst: ports.map((list) => [`autogroup:self:${list}`]),
    proto,
  }),
  fc.record({
    src: fc.array(otherSource, { minLength: 1, maxLength: 2 }),
    dst: goal.map((name) => [`${name.includes('::') ? `[${name}]` : name}:*`]),
    proto: fc.constantFrom('icmp', 'gre', 47, 58, ['gre', 'tcp']),
  }),
);

export const policies: fc.Arbitrary<{ readonly rules: readonly object[] }> = fc
  .noBias(fc.array(rule, { maxLength: 6 }))
  .map((rules) => ({
    groups: { 'group:some': ['bob', 'kim', 'lee', 'nobody'] },
    tagOwners: { 'tag:nas': ['ada'], 'tag:router': [], 'tag:web': [] },
    hosts: { office: '192.168.0.0/17', printer: '10.0.0.5' },
    rules,
  }));
