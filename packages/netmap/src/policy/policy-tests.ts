import type { CompiledPolicy } from './compile.ts';
import type { BehindNode, PolicyNode } from './node.ts';
import type { PolicySelector, TestDestination } from './policy.ts';
import type { PolicyProblem } from './problem.ts';
import { destinationsOf, sourcesOf } from './test-ends.ts';
import { formatTrace, type TracedFlow } from './trace.ts';
import type { Users } from './users.ts';

/** A line of `tests` that does not hold. */
export interface PolicyTestFailure extends Pick<PolicyProblem, 'line' | 'column' | 'field'> {
  readonly expected: 'accept' | 'deny';
  /** For people: who, to whom, and which rule decided otherwise. */
  readonly message: string;
}

/**
 * Runs the tests of a policy: each holds for every node that its selectors name, and where they name none yet,
 * for a device as they describe it. A test of `accept` asks for all flows between them, one of `deny` for none.
 */
export function runPolicyTests(compiled: CompiledPolicy, nodes: readonly PolicyNode[]): PolicyTestFailure[] {
  const kinds = oneOfEachClass(compiled, nodes);
  return compiled.policy.tests.flatMap((test) => {
    const sources = sourcesOf(test.src, kinds, compiled.users);
    const check = (expected: 'accept' | 'deny', { selector, port }: TestDestination): PolicyTestFailure[] => {
      const wrong = flowsTo(selector, sources, kinds, compiled.users, test.protocols, port)
        .map((flow) => ({ flow, verdict: compiled.decide(flow.src, flow.dst, flow.protocol, flow.port) }))
        .find(({ verdict }) => verdict.allowed !== (expected === 'accept'));
      if (wrong === undefined) return [];
      const { line, column, field } = selector;
      return [{ line, column, field, expected, message: formatTrace(wrong.flow, wrong.verdict) }];
    };
    return [
      ...test.accept.flatMap((destination) => check('accept', destination)),
      ...test.deny.flatMap((destination) => check('deny', destination)),
    ];
  });
}

/** `line 9, column 40, tests[0].deny[0]: expected deny, and laptop to nas, tcp 22: allowed by rules[0], line 3` */
export function formatTestFailure({ line, column, field, expected, message }: PolicyTestFailure): string {
  return `line ${line}, column ${column}, ${field}: expected ${expected}, and ${message}`;
}

/** More would say the same again. Who takes no part is in no test. */
function oneOfEachClass({ classOf, users }: CompiledPolicy, nodes: readonly PolicyNode[]): PolicyNode[] {
  const kinds = new Map<string, PolicyNode>();
  for (const node of nodes) {
    const name = classOf(node);
    if (users.isActive(node) && !kinds.has(name)) kinds.set(name, node);
  }
  return [...kinds.values()];
}

function flowsTo(
  selector: PolicySelector,
  sources: readonly (PolicyNode | BehindNode)[],
  nodes: readonly PolicyNode[],
  users: Users,
  protocols: readonly number[],
  port: number,
): TracedFlow[] {
  return sources.flatMap((src) =>
    destinationsOf(selector, src, nodes, users).flatMap((dst) =>
      protocols.map((protocol) => ({ src, dst, protocol, port })),
    ),
  );
}
