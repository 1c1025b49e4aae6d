import { formatPrefix, type Prefix, parseAddress, parsePrefix } from '@pcloud/ip';
import { isNodeName } from '../names.ts';
import type { Autogroup, SelectorForm } from './policy.ts';
import type { Fault } from './problem.ts';

/** What a policy has given names to, prefixes left out. */
export interface KnownNames {
  readonly groups: { has(name: string): boolean };
  readonly tags: { has(name: string): boolean };
  readonly hosts: { get(name: string): Prefix | undefined };
}

const AUTOGROUPS: readonly Autogroup[] = [
  'member',
  'admin',
  'owner',
  'tagged',
  'unclaimed',
  'servers',
  'self',
  'internet',
];
const USER_NAME = /^[a-z0-9][a-z0-9._-]{0,31}$/;
const HOST_NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const GROUP_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const TAG_NAME = /^[a-z][a-z0-9-]{0,31}$/;
/** What was meant for an address, IPv4 or IPv6, whether it is one or not. */
const LIKE_ADDRESS = /^(?:[0-9a-fA-F.]*:[0-9a-fA-F:.]*(?:\/.*)?|[0-9.]+\/.*|[0-9]+(?:\.[0-9]+)+)$/;

export function isGroupName(name: string): boolean {
  return GROUP_NAME.test(name);
}

export function isTagName(name: string): boolean {
  return TAG_NAME.test(name);
}

/** Of a host in the policy: nothing that could be an address. */
export function isHostName(name: string): boolean {
  return HOST_NAME.test(name) && !LIKE_ADDRESS.test(name);
}

/** Reads a selector, ports taken off. A bare word is a host where the policy has one of that name, else a user. */
export function parseSelector(text: string, known: KnownNames): SelectorForm | Fault {
  if (text === '*') return { kind: 'any' };
  const colon = text.indexOf(':');
  const name = text.slice(colon + 1);
  switch (text.slice(0, Math.max(colon, 0))) {
    case 'group':
      return known.groups.has(name) ? { kind: 'group', name } : unknown('group', name, 'groups');
    case 'tag':
      return known.tags.has(name) ? { kind: 'tag', name } : unknown('tag', name, 'tagOwners');
    case 'node':
      if (isNodeName(name)) return { kind: 'node', name };
      return { code: 'NAME_INVALID', message: `no node can be called ${JSON.stringify(name)}` };
    case 'autogroup': {
      const autogroup = AUTOGROUPS.find((each) => each === name);
      if (autogroup !== undefined) return { kind: 'autogroup', name: autogroup };
      const all = AUTOGROUPS.map((each) => `autogroup:${each}`).join(', ');
      return { code: 'SELECTOR_INVALID', message: `there are ${all}` };
    }
  }
  const host = known.hosts.get(text);
  if (host !== undefined) return prefixForm(host);
  if (LIKE_ADDRESS.test(text)) {
    const prefix = parseExactPrefix(text);
    return 'address' in prefix ? prefixForm(prefix) : prefix;
  }
  if (USER_NAME.test(text)) return { kind: 'user', name: text };
  return {
    code: 'SELECTOR_INVALID',
    message: 'expected *, a user, a host, an address, group:, tag:, node: or autogroup:',
  };
}

/** An address or prefix whose host bits are zero: with others it would be unclear which of both is meant. */
export function parseExactPrefix(text: string): Prefix | Fault {
  const prefix = parsePrefix(text);
  if (prefix === undefined) return { code: 'ADDRESS_INVALID', message: 'neither an address nor a prefix' };
  const [address = ''] = text.split('/');
  if (parseAddress(address)!.every((byte, i) => byte === prefix.address[i])) return prefix;
  const message = `the block is ${formatPrefix(prefix)}, the address ${address}: write the one that is meant`;
  return { code: 'ADDRESS_INVALID', message };
}

function prefixForm(prefix: Prefix): SelectorForm {
  return { kind: 'prefix', prefix, text: formatPrefix(prefix) as `${string}/${number}` };
}

function unknown(what: string, name: string, table: string): Fault {
  return { code: 'NAME_UNKNOWN', message: `${table} has no ${JSON.stringify(`${what}:${name}`)}` };
}
