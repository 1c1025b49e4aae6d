/** A policy as it was written, names resolved as far as the text alone allows. */
import type { Prefix } from '@pcloud/ip';
import type { PortRange } from './ports.ts';
import type { Place } from './problem.ts';

export interface Policy {
  /** User names by group, `group:` left out. */
  readonly groups: ReadonlyMap<string, readonly NamePlace[]>;
  /** Who may give a tag, `tag:` left out. */
  readonly tagOwners: ReadonlyMap<string, readonly PolicySelector[]>;
  readonly hosts: ReadonlyMap<string, NamePlace>;
  readonly rules: readonly PolicyRule[];
  readonly routeApprovers: readonly RouteApprover[];
  readonly exitApprovers: readonly PolicySelector[];
  readonly tests: readonly PolicyTest[];
  /** Names of nodes that some selector names: `PolicyFacts` has their ids. */
  readonly nodeNames: ReadonlySet<string>;
}

export type Autogroup = 'member' | 'admin' | 'owner' | 'tagged' | 'unclaimed' | 'servers' | 'self' | 'internet';

export type SelectorForm =
  | { readonly kind: 'any' }
  | { readonly kind: 'user'; readonly name: string }
  | { readonly kind: 'group'; readonly name: string }
  | { readonly kind: 'tag'; readonly name: string }
  | { readonly kind: 'node'; readonly name: string }
  /** An address, a prefix, or the host of that name; `text` is canonical. */
  | { readonly kind: 'prefix'; readonly prefix: Prefix; readonly text: `${string}/${number}` }
  | { readonly kind: 'autogroup'; readonly name: Autogroup };

/** `written` is what the text has. */
export type PolicySelector = SelectorForm & Place & { readonly written: string; readonly field: string };

export interface PolicyRule extends Place {
  readonly src: readonly PolicySelector[];
  readonly dst: readonly PolicyDestination[];
  /** Sorted; empty for the usual ones, see `USUAL_PROTOCOLS`. */
  readonly protocols: readonly number[];
}

export interface PolicyDestination {
  readonly selector: PolicySelector;
  readonly ports: readonly PortRange[];
}

export interface RouteApprover {
  readonly prefix: Prefix;
  readonly approvers: readonly PolicySelector[];
}

export interface PolicyTest extends Place {
  readonly src: PolicySelector;
  /** One at least. */
  readonly protocols: readonly number[];
  readonly accept: readonly TestDestination[];
  readonly deny: readonly TestDestination[];
}

export interface TestDestination {
  readonly selector: PolicySelector;
  /** 0 for a protocol that has no ports. */
  readonly port: number;
}

/** A name, and where it stands. */
export interface NamePlace extends Place {
  readonly name: string;
  readonly field: string;
}

/** Every selector of a policy, in the order of its parts. */
export function selectorsOf(policy: Omit<Policy, 'nodeNames'>): PolicySelector[] {
  const tested = policy.tests.flatMap((test) => [test.src, ...[...test.accept, ...test.deny].map(selectorOf)]);
  return [
    ...[...policy.tagOwners.values()].flat(),
    ...policy.rules.flatMap((rule) => [...rule.src, ...rule.dst.map(selectorOf)]),
    ...policy.routeApprovers.flatMap(({ approvers }) => approvers),
    ...policy.exitApprovers,
    ...tested,
  ];
}

function selectorOf({ selector }: { readonly selector: PolicySelector }): PolicySelector {
  return selector;
}
