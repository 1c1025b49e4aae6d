/** The plain decision and what is worked out for maps and filters are the same policy. */
import { parseAddress, parsePrefix, prefixContains } from '@pcloud/ip';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  admittingRule,
  type BehindNode,
  type CompiledPolicy,
  canonicalJson,
  type PolicyFacts,
  type PolicyNode,
} from '../src/index.ts';
import { compiled, FACTS, nodes, policies } from './policies.ts';

const ADDRESSES = [
  ...[
    '192.168.7.9',
    '192.168.200.1',
    '203.0.113.5',
    '203.0.113.200',
    '8.8.8.8',
    '100.64.0.1',
    'fd77::9',
    '2001:db8::9',
  ],
  ...['10.0.0.3', '127.0.0.1', '224.0.0.1'],
];

const PORTS = [0, 22, 53, 80, 443, 2379, 2380, 6443, 6500, 8443, 8472, 10_250, 65_535];

/** A node's own address, the second as well as the first, or one that it may have a route to. */
type Point = number | string;

/** One of the points of a node: its own addresses and those that it has a route to; of sixteen, one has none. */
function pointOf(node: PolicyNode, pick: number): Point {
  if (pick % 16 === 15) return '127.0.0.1';
  const routes = node.routes.map((route) => parsePrefix(route)!);
  const behind = ADDRESSES.filter((address) => routes.some((route) => prefixContains(route, parseAddress(address)!)));
  const points = [0, 1, ...behind];
  return points[pick % points.length]!;
}

const traffic = fc.record({
  protocol: fc.constantFrom(6, 6, 6, 17, 132, 1, 58, 47),
  port: fc.constantFrom(...PORTS),
});

function addressAt(node: PolicyNode, at: Point): string {
  return typeof at === 'number' ? node.addresses[at]! : at;
}

function endAt(node: PolicyNode, at: Point): PolicyNode | BehindNode {
  return typeof at === 'number' ? node : { via: node, address: at };
}

/** What maps and filters make of a flow, from the first packet that a receiver takes from a peer. */
function admits(
  policy: CompiledPolicy,
  flow: { readonly src: PolicyNode; readonly from: Point; readonly dst: PolicyNode; readonly to: Point } & Traffic,
): boolean {
  const [from, to] = [policy.classOf(flow.src), policy.classOf(flow.dst)];
  if (!policy.sees(from, to)) return false;
  const packet = {
    peer: flow.src,
    source: addressAt(flow.src, flow.from),
    destination: addressAt(flow.dst, flow.to),
    protocol: flow.protocol,
    port: flow.port,
  };
  return admittingRule(policy.filterFor(to), flow.dst.addresses, packet) !== undefined;
}

interface Traffic {
  readonly protocol: number;
  readonly port: number;
}

test('sees and filterFor admit what decide allows, and nothing else', () => {
  const counts: Record<string, number> = {};
  const pick = fc.noBias(fc.nat());
  const some = fc.array(fc.tuple(pick, pick, traffic), { minLength: 16, maxLength: 16 });
  const run = fc.property(policies, nodes, nodes, some, (text, src, dst, list) => {
    const policy = compiled(text);
    for (const [fromPick, toPick, { protocol, port }] of list) {
      const [from, to] = [pointOf(src, fromPick), pointOf(dst, toPick)];
      const verdict = policy.decide(endAt(src, from), endAt(dst, to), protocol, port);
      counts[verdict.because] = (counts[verdict.because] ?? 0) + 1;
      // A receiver refuses a source that its sender has no route for before it looks at rules.
      if (verdict.because === 'unknown') continue;
      const flow = { src, from, dst, to, protocol, port };
      assert.is(admits(policy, flow), verdict.allowed, JSON.stringify({ verdict, flow }));
    }
  });
  fc.assert(run, { numRuns: 500 });
  for (const because of ['rule', 'default', 'floor', 'ceiling', 'disabled', 'unknown']) {
    assert.ok(counts[because]! > 40, `${because}: ${counts[because]}`);
  }
});

/** Flows between two nodes that the policies of `policies` can tell apart. */
function* flowsBetween(src: PolicyNode, dst: PolicyNode): Generator<Parameters<CompiledPolicy['decide']>> {
  const points = [0, ...ADDRESSES, '192.168.0.0', '64.0.0.1', 'fd77::'];
  for (const from of points) {
    for (const to of points) {
      const ends = [endAt(src, from), endAt(dst, to)] as const;
      for (const port of PORTS) for (const protocol of [6, 17, 132]) yield [...ends, protocol, port];
      for (const protocol of [1, 47, 58]) yield [...ends, protocol, 0];
    }
  }
}

test('nodes see each other only where a flow may begin between them', () => {
  const run = fc.property(policies, nodes, nodes, (text, a, b) => {
    const policy = compiled(text);
    const seen = policy.sees(policy.classOf(a), policy.classOf(b));
    assert.is(policy.sees(policy.classOf(b), policy.classOf(a)), seen);
    if (!seen) return;
    for (const pair of [[a, b] as const, [b, a] as const]) {
      for (const flow of flowsBetween(...pair)) if (policy.decide(...flow).allowed) return;
    }
    assert.unreachable('they see each other for nothing');
  });
  fc.assert(run, { numRuns: 100 });
});

test('nodes of one class have the same rights, and are the same to others', () => {
  const run = fc.property(policies, nodes, nodes, nodes, traffic, (text, a, b, other, { protocol, port }) => {
    const policy = compiled(text);
    fc.pre(policy.classOf(a) === policy.classOf(b));
    assert.equal(policy.decide(a, other, protocol, port), policy.decide(b, other, protocol, port));
    assert.equal(policy.decide(other, a, protocol, port), policy.decide(other, b, protocol, port));
  });
  fc.assert(run, { numRuns: 60, maxSkipsPerRun: 1000 });
});

test('the floor holds and the ceiling keeps off, whatever a policy says', () => {
  const run = fc.property(policies, nodes, nodes, fc.constantFrom(...PORTS), (text, src, dst, port) => {
    const policy = compiled(text);
    fc.pre(policy.users.isActive(src) && policy.users.isActive(dst) && dst.role === 'server');
    const flow = { src, from: 0, dst, to: 0 };
    for (const open of [53, 443, 8443]) assert.ok(admits(policy, { ...flow, protocol: 6, port: open }));
    assert.ok(admits(policy, { ...flow, protocol: 17, port: 53 }));
    assert.ok(admits(policy, { ...flow, protocol: 58, port }));
    const isServer = src.role === 'server';
    for (const closed of [2379, 2380, 10_250]) {
      assert.is(admits(policy, { ...flow, protocol: 6, port: closed }), isServer, `${closed}`);
    }
    assert.is(admits(policy, { ...flow, protocol: 17, port: 8472 }), isServer);
    const isManager = ['ada', 'bob'].includes(src.user);
    if (!isServer && !isManager) assert.not(admits(policy, { ...flow, protocol: 6, port: 6443 }));
    if (isServer) assert.ok(admits(policy, { ...flow, protocol: 6, port: 6443 }));
  });
  fc.assert(run, { numRuns: 150, maxSkipsPerRun: 100 });
});

test('a further rule takes nothing away, and the order of rules decides nothing', () => {
  const run = fc.property(policies, policies, nodes, nodes, traffic, (some, more, src, dst, { protocol, port }) => {
    const both = { ...some, rules: [...some.rules, ...more.rules] };
    const allows = (text: object): boolean => compiled(text).decide(src, dst, protocol, port).allowed;
    if (allows(some)) assert.ok(allows(both));
    assert.is(allows({ ...both, rules: both.rules.toReversed() }), allows(both));
  });
  fc.assert(run, { numRuns: 150 });
});

test('equal policies make equal filters, byte for byte, and names of users in any order', () => {
  const run = fc.property(policies, nodes, (text, node) => {
    const filter = (facts: PolicyFacts): string => {
      const policy = compiled(text, facts);
      return canonicalJson(policy.filterFor(policy.classOf(node)));
    };
    assert.is(filter({ ...FACTS, users: FACTS.users.toReversed() }), filter(FACTS));
  });
  fc.assert(run);
});

test.run();
