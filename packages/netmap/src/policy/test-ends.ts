/** Which ends of flows a selector stands for in a test: nodes there are, or one as it describes it. */
import { formatAddress, formatPrefix } from '@pcloud/ip';
import { intersection } from './internet.ts';
import { namesNode } from './match.ts';
import { type BehindNode, exitFamilies, type PolicyNode, subnetsOf } from './node.ts';
import type { PolicySelector } from './policy.ts';
import type { Users } from './users.ts';

/** Addresses for examples (RFC 5737, RFC 3849), by their length in bytes: any of the internet would do. */
const SOMEWHERE: Readonly<Record<number, string>> = { 4: '198.51.100.1', 16: '2001:db8::1' };

export function sourcesOf(
  selector: PolicySelector,
  nodes: readonly PolicyNode[],
  users: Users,
): (PolicyNode | BehindNode)[] {
  const found = [...named(selector, nodes, users), ...behind(selector, nodes)];
  if (selector.kind !== 'prefix' || found.length > 0) return found;
  return [device(selector.written, { addresses: [formatAddress(selector.prefix.address)] })];
}

export function destinationsOf(
  selector: PolicySelector,
  src: PolicyNode | BehindNode,
  nodes: readonly PolicyNode[],
  users: Users,
): (PolicyNode | BehindNode | string)[] {
  if (selector.kind === 'autogroup' && selector.name === 'self') {
    const user = 'via' in src ? '' : src.user;
    return ownedBy(user, user === '' ? [] : nodes);
  }
  if (selector.kind === 'autogroup' && selector.name === 'internet') {
    const exits = nodes.flatMap((via) => exitFamilies(via).map((family) => ({ via, address: SOMEWHERE[family]! })));
    return exits.length > 0 ? exits : [SOMEWHERE[4]!];
  }
  const found = [...named(selector, nodes, users), ...behind(selector, nodes)];
  return selector.kind === 'prefix' && found.length === 0 ? [formatAddress(selector.prefix.address)] : found;
}

/** For users each of them, whether they have devices yet or not. */
function named(selector: PolicySelector, nodes: readonly PolicyNode[], users: Users): PolicyNode[] {
  const members = usersNamed(selector, users);
  if (members !== undefined) return members.flatMap((user) => ownedBy(user, nodes));
  const found = nodes.filter((node) => namesNode(selector, node, users));
  return found.length > 0 ? found : described(selector, users);
}

function usersNamed(selector: PolicySelector, users: Users): readonly string[] | undefined {
  if (selector.kind === 'user') return [selector.name];
  if (selector.kind === 'group') return users.inGroup(selector.name);
  if (selector.kind !== 'autogroup') return undefined;
  if (selector.name === 'member') return users.active;
  return selector.name === 'admin' || selector.name === 'owner' ? users.atLeast(selector.name) : undefined;
}

function ownedBy(user: string, nodes: readonly PolicyNode[]): PolicyNode[] {
  const own = nodes.filter((node) => node.user === user);
  return own.length > 0 ? own : [device(user === '' ? 'a device of nobody' : `a device of ${user}`, { user })];
}

function described(selector: PolicySelector, users: Users): PolicyNode[] {
  switch (selector.kind) {
    case 'any':
      return [device('any device', {})];
    case 'tag':
      return [device(`a device with ${selector.written}`, { tags: [selector.name] })];
    case 'node':
      return [device(selector.name, { id: users.nodeId(selector.name) ?? '' })];
    case 'autogroup':
      if (selector.name === 'servers') return [device('a server', { role: 'server' })];
      return [device('a device with a tag', { tags: ['any'] })];
    default:
      return [];
  }
}

/** In each network behind a node that a range touches, the first address. */
function behind(selector: PolicySelector, nodes: readonly PolicyNode[]): BehindNode[] {
  if (selector.kind !== 'prefix') return [];
  return nodes.flatMap((via) => {
    const parts = subnetsOf(via).flatMap((route) => intersection(route, selector.prefix) ?? []);
    const byText = new Map(parts.map((part) => [formatPrefix(part), part]));
    return [...byText.values()].map(({ address }) => ({ via, address: formatAddress(address) }));
  });
}

function device(name: string, traits: Partial<PolicyNode>): PolicyNode {
  return { id: '', name, user: '', tags: [], role: 'client', addresses: [], routes: [], ...traits };
}
