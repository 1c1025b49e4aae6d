import type { Prefix } from '@pcloud/ip';
import { utf8 } from '../bytes.ts';
import { type JsonValue, parseJsonc } from './jsonc.ts';
import { POLICY_LIMITS } from './limits.ts';
import { readRule } from './parse-rule.ts';
import { readGroups, readHosts, readTagNames, readTagOwners } from './parse-tables.ts';
import { readTest } from './parse-test.ts';
import { type Policy, type PolicySelector, type RouteApprover, selectorsOf } from './policy.ts';
import { createPlaces, type PolicyProblem, syntaxProblem } from './problem.ts';
import { readSelectors } from './read-selector.ts';
import { createReader, type Field, type Reader } from './reader.ts';
import { type KnownNames, parseExactPrefix } from './selector.ts';

export type PolicyResult =
  | { readonly policy: Policy; readonly warnings: readonly PolicyProblem[] }
  | { readonly problems: readonly PolicyProblem[] };

/**
 * Reads a policy: JSON with comments and trailing commas. Every problem is found at once, the first
 * `POLICY_LIMITS.PROBLEMS`; a policy with any is refused whole. Names of users and nodes are not looked up
 * here: `compilePolicy` warns of those that nobody has.
 */
export function parsePolicy(text: string): PolicyResult {
  const isLong = text.length > POLICY_LIMITS.TEXT_BYTES || utf8(text).length > POLICY_LIMITS.TEXT_BYTES;
  if (isLong) {
    const message = `expected ${POLICY_LIMITS.TEXT_BYTES / 1024} KiB at most`;
    return { problems: [{ code: 'TOO_LARGE', message, line: 1, column: 1, field: '' }] };
  }
  const placeOf = createPlaces(text);
  const json = parseJsonc(text);
  if ('fault' in json) return { problems: [syntaxProblem(json.fault, placeOf)] };
  const reader = createReader(placeOf);
  const policy = readPolicy(reader, json.value);
  return reader.problems.length > 0 ? { problems: reader.problems } : { policy, warnings: reader.warnings };
}

const KEYS = ['groups', 'tagOwners', 'hosts', 'rules', 'acls', 'autoApprovers', 'tests'] as const;

function readPolicy(reader: Reader, value: JsonValue): Policy {
  const root = reader.members({ name: '', value }, KEYS);
  const groups = readGroups(reader, root.groups);
  const { hosts, prefixes } = readHosts(reader, root.hosts);
  const known: KnownNames = { groups, tags: readTagNames(root.tagOwners), hosts: prefixes };
  if (root.rules !== undefined && root.acls !== undefined) {
    reader.problem('KEY_TWICE', root.acls, 'acls is another name of rules: keep one of both');
  }
  const rules = reader
    .items(root.rules ?? root.acls, POLICY_LIMITS.RULES)
    .map((field) => readRule(reader, field, known, root.rules === undefined));
  const tests = reader.items(root.tests, POLICY_LIMITS.TESTS).flatMap((field) => readTest(reader, field, known) ?? []);
  const policy = {
    groups,
    tagOwners: readTagOwners(reader, root.tagOwners, known),
    hosts,
    rules,
    ...readApprovers(reader, root.autoApprovers, known),
    tests,
  };
  const nodes = selectorsOf(policy).flatMap((selector) => (selector.kind === 'node' ? [selector.name] : []));
  return { ...policy, nodeNames: new Set(nodes) };
}

function readApprovers(
  reader: Reader,
  field: Field | undefined,
  known: KnownNames,
): Pick<Policy, 'routeApprovers' | 'exitApprovers'> {
  if (field === undefined) return { routeApprovers: [], exitApprovers: [] };
  const { routes, exitNode } = reader.members(field, ['routes', 'exitNode']);
  const read = (list: Field | undefined): PolicySelector[] =>
    readSelectors(reader, reader.items(list, POLICY_LIMITS.SELECTORS), known, 'approver');
  const routeApprovers = reader.entries(routes, POLICY_LIMITS.APPROVERS).flatMap((entry): RouteApprover[] => {
    const approvers = read(entry.field);
    const prefix: Prefix | { readonly message: string } = parseExactPrefix(entry.key);
    if ('address' in prefix) return [{ prefix, approvers }];
    reader.problem('ADDRESS_INVALID', entry.keyField, prefix.message);
    return [];
  });
  return { routeApprovers, exitApprovers: read(exitNode) };
}
