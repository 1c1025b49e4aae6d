/** The plain decision and what is worked out for maps and filters are the same policy. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { admittingRule, type BehindNode, type CompiledPolicy, type PolicyNode } from '../src/index.ts';
import { compiled, nodes, policies } from './policies.ts';

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
const point: fc.Arbitrary<Point> = fc.oneof(fc.constantFrom(0, 1), fc.constantFrom(...ADDRESSES));
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
  let allowed = 0;
  fc.assert(
    fc.property(
      policies,
      nodes,
      point,
      nodes,
      point,
      fc.array(traffic, { minLength: 8, maxLength: 8 }),
      (text, src, from, dst, to, list) => {
        const policy = compiled(text);
        for (const { protocol, port } of list) {
          const verdict = policy.decide(endAt(src, from), endAt(dst, to), protocol, port);
          // A receiver refuses a source that its sender has no route for before it looks at rules.
          if (verdict.because === 'unknown') continue;
          if (verdict.allowed) allowed++;
          assert.is(
            admits(policy, { src, from, dst, to, protocol, port }),
            verdict.allowed,
            `${JSON.stringify(verdict)}`,
          );
        }
      },
    ),
    { numRuns: 4000 },
  );
  assert.ok(allowed > 500, `${allowed} flows were allowed`);
});
test.run();
