/** What of a policy concerns whom, worked out once a rule and once a class: who appears in whose map comes of it. */
import { prefixesOverlap } from '@pcloud/ip';
import { type Bearer, names } from './match.ts';
import { exitFamilies, subnetsOf } from './node.ts';
import { classBearer, type NodeClass } from './node-class.ts';
import type { Policy, PolicyRule, PolicySelector } from './policy.ts';
import type { Users } from './users.ts';

/** A class with the destinations that concern it. Those of all rules are numbered on, one bit each. */
export interface ClassReach {
  readonly nodeClass: NodeClass;
  readonly isActive: boolean;
  /** Destinations of the rules that it, or what is behind it, is a source of. */
  readonly sends: Uint32Array;
  /** Destinations that it, or what is behind it, is one of; `autogroup:self` not among them. */
  readonly takes: Uint32Array;
  /** Whether it is a source of a rule to `autogroup:self`. */
  readonly reachesOwn: boolean;
  /** Classes of one group see the same, and are seen by the same, but for classes of their own user. */
  readonly group: string;
}

export function createReach(policy: Policy, users: Users): (className: string) => ClassReach {
  const known = new Map<string, ClassReach>();
  const count = policy.rules.reduce((sum, rule) => sum + rule.dst.length, 0);

  function reachOf(nodeClass: NodeClass): ClassReach {
    const bearer = classBearer(nodeClass);
    const sends = new Uint32Array(Math.ceil(count / 32));
    const takes = new Uint32Array(sends.length);
    let reachesOwn = false;
    let bit = 0;
    for (const rule of policy.rules) {
      const isOfRule = isSender(rule, bearer, nodeClass, users);
      for (const { selector } of rule.dst) {
        if (isOfRule) set(sends, bit);
        if (isOfRule && isSelf(selector)) reachesOwn = true;
        if (isTaker(selector, bearer, nodeClass, users)) set(takes, bit);
        bit++;
      }
    }
    const isActive = users.isActive(nodeClass);
    const group = isActive ? `${nodeClass.role} ${reachesOwn} ${sends.join()} ${takes.join()}` : 'inactive';
    return { nodeClass, isActive, sends, takes, reachesOwn, group };
  }

  return (className) => {
    let reach = known.get(className);
    if (reach === undefined) {
      reach = reachOf(JSON.parse(className) as NodeClass);
      known.set(className, reach);
    }
    return reach;
  };
}

/** Whether one may begin a flow to the other, or the other to it: then each is in the other's map. */
export function sees(a: ClassReach, b: ClassReach): boolean {
  return groupsSee(a, b) || (a.isActive && b.isActive && isOwn(a, b) && (a.reachesOwn || b.reachesOwn));
}

/** The same, whoever their users are. */
export function groupsSee(a: ClassReach, b: ClassReach): boolean {
  return a.isActive && b.isActive && (reaches(a, b) || reaches(b, a));
}

function isOwn({ nodeClass: { user } }: ClassReach, other: ClassReach): boolean {
  return user !== '' && user === other.nodeClass.user;
}

export function isSelf(selector: PolicySelector): boolean {
  return selector.kind === 'autogroup' && selector.name === 'self';
}

/** The floor leads from everybody to every server. */
function reaches(from: ClassReach, to: ClassReach): boolean {
  if (to.nodeClass.role === 'server') return true;
  return from.sends.some((word, i) => (word & to.takes[i]!) !== 0);
}

function isSender(rule: PolicyRule, bearer: Bearer, nodeClass: NodeClass, users: Users): boolean {
  return rule.src.some((selector) => names(selector, bearer, users) || isBehind(selector, nodeClass));
}

function isTaker(selector: PolicySelector, bearer: Bearer, nodeClass: NodeClass, users: Users): boolean {
  if (names(selector, bearer, users) || isBehind(selector, nodeClass)) return true;
  return selector.kind === 'autogroup' && selector.name === 'internet' && exitFamilies(nodeClass).length > 0;
}

function isBehind(selector: PolicySelector, nodeClass: NodeClass): boolean {
  return selector.kind === 'prefix' && subnetsOf(nodeClass).some((route) => prefixesOverlap(route, selector.prefix));
}

function set(words: Uint32Array, bit: number): void {
  words[bit >> 5] = words[bit >> 5]! | (1 << (bit & 31));
}
