import {
  formatProblem,
  formatTestFailure,
  formatTrace,
  POLICY_LIMITS,
  type Policy,
  type PolicyNode,
  type PolicyProblem,
  parsePolicy,
  parseProtocol,
  runPolicyTests,
} from '@pcloud/netmap';
import * as v from 'valibot';
import { isAtLeast, readAuthority } from '../accounts/index.ts';
import type { Audit } from '../audit.ts';
import { CoordinatorError } from '../errors.ts';
import type { MapSource } from '../maps/map-source.ts';
import type { Registry } from '../nodes/registry.ts';
import type { PolicyKeeper } from '../policy/policy-keeper.ts';
import { policyPath, policyRecord } from '../policy/policy-record.ts';
import { decideAndCommit } from '../store/decide.ts';
import { encodeRecord, readRecord, type Store } from '../store/index.ts';
import { define } from './define.ts';
import { nothing, text } from './inputs.ts';
import type { Operation } from './operation.ts';

export interface PolicyOperationsDeps {
  readonly store: Store;
  readonly registry: Registry;
  readonly maps: MapSource;
  readonly audit: Audit;
  readonly policy: PolicyKeeper;
  /** Wall clock, milliseconds. */
  readonly now: () => number;
}

/** What a check of a policy's text found. */
interface Checked {
  /** Lines for people; none: it may be set. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  /** Tests of the policy that do not hold. */
  readonly failures: readonly string[];
}

const policyText = v.pipe(v.string(), v.maxLength(POLICY_LIMITS.TEXT_BYTES));

export function policyOperations({ store, registry, maps, audit, policy, now }: PolicyOperationsDeps): Operation[] {
  const nodes = (): PolicyNode[] => [...registry.nodes.keys()].map((id) => ({ ...maps.face(id)!, routes: [] }));

  function check(textOf: string): Checked & { readonly policy?: Policy } {
    const parsed = parsePolicy(textOf);
    if ('problems' in parsed) return { problems: parsed.problems.map(formatProblem), warnings: [], failures: [] };
    const compiled = policy.compile(parsed.policy);
    return {
      policy: parsed.policy,
      problems: [],
      warnings: [...parsed.warnings, ...compiled.warnings].sort(byPlace).map(formatProblem),
      failures: runPolicyTests(compiled, nodes()).map(formatTestFailure),
    };
  }

  /** A node by name or address; an address that is no node's may be behind one. */
  function endOf(wanted: string): PolicyNode | string {
    const label = wanted.toLowerCase().replace(/\.pcloud\.?$/, '');
    const id = registry.names.get(label) ?? maps.nodeAt(wanted);
    const face = id === undefined ? undefined : maps.face(id);
    return face === undefined ? wanted : { ...face, routes: [] };
  }

  return [
    define({
      name: 'policy.get',
      least: 'admin',
      changes: false,
      input: nothing,
      async run() {
        const entry = await store.get(policyPath);
        const atMs = entry && readRecord(policyRecord, entry).atMs;
        return {
          text: policy.text,
          isDefault: entry === undefined,
          revision: entry?.revision ?? 0,
          atMs: atMs ?? null,
        };
      },
    }),
    define({
      name: 'policy.check',
      least: 'admin',
      changes: false,
      input: v.strictObject({ text: policyText }),
      async run(_actor, input) {
        const { problems, warnings, failures } = check(input.text);
        return { problems, warnings, failures };
      },
    }),
    define({
      name: 'policy.set',
      least: 'admin',
      changes: true,
      // `revision`: what the author saw, so that two who edit at once do not undo each other.
      input: v.strictObject({ text: policyText, revision: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))) }),
      async run(actor, input) {
        const { problems, warnings, failures } = check(input.text);
        if (problems.length > 0) throw new CoordinatorError('POLICY_INVALID', problems.join('\n'));
        if (failures.length > 0) throw new CoordinatorError('POLICY_TESTS_FAILED', failures.join('\n'));
        const { revision } = await decideAndCommit(store, async () => {
          const authority = await readAuthority(actor, store);
          if (!isAtLeast(authority.role, 'admin')) {
            throw new CoordinatorError('FORBIDDEN', 'only an admin or an owner may set a policy');
          }
          const entry = await store.get(policyPath);
          const found = entry?.revision ?? 0;
          if (input.revision !== undefined && input.revision !== found) {
            throw new CoordinatorError('CONFLICT', 'policy: somebody else has set another one meanwhile; get it first');
          }
          return {
            compare: [...authority.compare, { key: policyPath, revision: found }],
            put: [
              { key: policyPath, value: encodeRecord({ text: input.text, atMs: now() }) },
              audit.put({ actor, action: 'policy.set', subject: 'policy' }),
            ],
          };
        });
        await registry.reach(revision!);
        return { revision, warnings };
      },
    }),
    define({
      name: 'policy.test',
      least: 'admin',
      changes: false,
      input: nothing,
      run: async () => ({ failures: runPolicyTests(policy.current, nodes()).map(formatTestFailure) }),
    }),
    define({
      name: 'policy.trace',
      least: 'admin',
      changes: false,
      input: v.strictObject({
        from: text,
        to: text,
        port: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535)),
        protocol: v.optional(text, 'tcp'),
      }),
      async run(_actor, input) {
        const src = endOf(input.from);
        if (typeof src === 'string') {
          throw new CoordinatorError('NODE_UNKNOWN', `from: there is no node called "${input.from}"`);
        }
        const dst = endOf(input.to);
        const protocol = parseProtocol(input.protocol)?.[0];
        if (protocol === undefined) {
          throw new CoordinatorError('INPUT_INVALID', `protocol: expected a name or a number, got "${input.protocol}"`);
        }
        const expired = [src, dst].find((end) => typeof end !== 'string' && registry.nodes.get(end.id)?.expired);
        if (typeof expired === 'object') {
          const why = `refused: the key of ${expired.name} has expired; "pcloud nodes renew ${expired.name}"`;
          return { allowed: false, because: 'expired', text: why };
        }
        const verdict = policy.current.decide(src, dst, protocol, input.port);
        return { ...verdict, text: formatTrace({ src, dst, protocol, port: input.port }, verdict) };
      },
    }),
  ];
}

function byPlace(a: PolicyProblem, b: PolicyProblem): number {
  return a.line - b.line || a.column - b.column;
}
