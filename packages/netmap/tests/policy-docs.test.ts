/** What docs/policy.md shows is what the code does. */
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  CEILING,
  compilePolicy,
  DEFAULT_POLICY,
  FLOOR,
  formatProblem,
  formatTestFailure,
  POLICY_LIMITS,
  type PolicyUser,
  parsePolicy,
  runPolicyTests,
} from '../src/index.ts';

const TEXT = readFileSync(new URL('../../../docs/policy.md', import.meta.url), 'utf8');
const [FRESH = '', HOUSEHOLD = '', OFFICE = ''] = [...TEXT.matchAll(/```jsonc\n([\s\S]*?)```/g)].map(
  ([, code]) => code!,
);

/** What is wrong with a policy for these users: problems, warnings and tests that do not hold. */
function faults(text: string, users: readonly PolicyUser[]): string[] {
  const result = parsePolicy(text);
  if ('problems' in result) return result.problems.map(formatProblem);
  const compiled = compilePolicy(result.policy, { users });
  return [
    ...[...result.warnings, ...compiled.warnings].map(formatProblem),
    ...runPolicyTests(compiled, []).map(formatTestFailure),
  ];
}

function users(roles: Readonly<Record<string, PolicyUser['role']>>): PolicyUser[] {
  return Object.entries(roles).map(([name, role]) => ({ name, role, disabled: false }));
}

test('the policy of a fresh network is shown as it is', () => {
  assert.is(FRESH, DEFAULT_POLICY);
});

test('the household’s policy holds', () => {
  assert.equal(faults(HOUSEHOLD, users({ ada: 'owner', bob: 'admin', kim: 'member', friend: 'member' })), []);
  assert.is(faults(HOUSEHOLD, users({ ada: 'owner', bob: 'admin' })).length > 0, true);
});

test('the office’s policy holds, if who runs Kubernetes is an admin', () => {
  const roles = { mia: 'admin', tom: 'member', zoe: 'member', ruth: 'member' } as const;
  assert.equal(faults(OFFICE, users(roles)), []);
  const [text] = faults(OFFICE, users({ ...roles, mia: 'member' }));
  assert.match(text!, /expected accept, and a device of mia to a server, tcp 6443: refused by the ceiling/);
});

test('every port of floor and ceiling is in the text', () => {
  const rows = TEXT.split('\n').filter((line) => line.startsWith('|'));
  const isShown = (protocol: number, first: number, last: number): boolean => {
    const range = first === last ? `${first}` : `${first}–${last}`;
    const name = protocol === 6 ? 'tcp' : 'udp';
    return rows.some((row) => row.includes(name) && new RegExp(`\\b${range}\\b`).test(row));
  };
  for (const { protocols, ports } of FLOOR) {
    for (const protocol of protocols.filter((each) => each === 6 || each === 17)) {
      for (const [first, last] of ports) assert.ok(isShown(protocol, first, last), `${protocol} ${first}`);
    }
  }
  for (const { protocol, ports } of CEILING) assert.ok(isShown(protocol, ...ports), `${protocol} ${ports}`);
});

test('the limits in the text are those of the code', () => {
  assert.ok(TEXT.includes(`${POLICY_LIMITS.TEXT_BYTES / 1024} KiB at most and 2,000 rules`));
  assert.is(POLICY_LIMITS.RULES, 2000);
});

test.run();
