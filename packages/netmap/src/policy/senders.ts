/** Who may send by a rule, in the words of filters. */
import type { FilterSelector } from './filter-rule.ts';
import type { PolicySelector } from './policy.ts';
import type { Users } from './users.ts';

/** Sorted, and none that another includes. */
export function sendersOf(selectors: readonly PolicySelector[], users: Users): readonly FilterSelector[] {
  return reduceSenders(selectors.flatMap((selector) => sendersNamed(selector, users)));
}

/** Of these senders the users who pass a ceiling that is open to users. */
export function withClusterRight(senders: readonly FilterSelector[], users: Users): readonly FilterSelector[] {
  if (senders.includes('*') || senders.includes('user:*')) return users.atLeast('admin').map(userSelector);
  return senders.filter((sender) => sender.startsWith('user:') && users.hasClusterRight(sender.slice(5)));
}

export function userSelector(name: string): FilterSelector {
  return `user:${name}`;
}

function sendersNamed(selector: PolicySelector, users: Users): readonly FilterSelector[] {
  switch (selector.kind) {
    case 'any':
      return ['*'];
    case 'user':
      return users.roleOf(selector.name) === undefined ? [] : [userSelector(selector.name)];
    case 'group':
      return users.inGroup(selector.name).map(userSelector);
    case 'tag':
      return [`tag:${selector.name}`];
    case 'node': {
      const id = users.nodeId(selector.name);
      return id === undefined ? [] : [`node:${id}`];
    }
    case 'prefix':
      return [selector.text];
  }
  switch (selector.name) {
    case 'member':
      return ['user:*'];
    case 'admin':
    case 'owner':
      return users.atLeast(selector.name).map(userSelector);
    case 'tagged':
      return ['tag:*'];
    case 'unclaimed':
      return ['unclaimed'];
    case 'servers':
      return ['role:server'];
    case 'self':
    case 'internet':
      return [];
  }
}

function reduceSenders(senders: readonly FilterSelector[]): readonly FilterSelector[] {
  if (senders.includes('*')) return ['*'];
  const wide = ['user:*', 'tag:*'].filter((each) => senders.includes(each as FilterSelector));
  const isCovered = (sender: FilterSelector): boolean =>
    wide.some((each) => sender !== each && sender.startsWith(each.slice(0, -1)));
  return [...new Set(senders.filter((sender) => !isCovered(sender)))].sort();
}
