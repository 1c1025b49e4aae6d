import type { Prefix } from '@pcloud/ip';
import { POLICY_LIMITS } from './limits.ts';
import type { NamePlace, Policy, PolicySelector } from './policy.ts';
import { readSelectors } from './read-selector.ts';
import type { Entry, Field, Reader } from './reader.ts';
import { isGroupName, isHostName, isTagName, type KnownNames, parseExactPrefix } from './selector.ts';

/** Reads `groups`. What is in a group is names of users, whether there are such users or not. */
export function readGroups(reader: Reader, field: Field | undefined): Policy['groups'] {
  const groups = new Map<string, readonly NamePlace[]>();
  for (const entry of reader.entries(field, POLICY_LIMITS.GROUPS)) {
    const name = nameBehind('group:', entry.key);
    if (name === undefined || !isGroupName(name)) {
      reader.problem('NAME_INVALID', entry.keyField, 'expected "group:" and a name of a-z, 0-9, ".", "_" and "-"');
    }
    const members = reader.items(entry.field, POLICY_LIMITS.MEMBERS).flatMap((item): NamePlace[] => {
      const member = reader.text(item);
      if (member === undefined) return [];
      if (!member.startsWith('group:')) return [{ name: member, field: item.name, ...reader.place(item) }];
      reader.problem('SELECTOR_MISPLACED', item, 'a group has users, not groups');
      return [];
    });
    if (entry.field.value.kind === 'array' && entry.field.value.items.length === 0) {
      reader.warn('GROUP_EMPTY', entry.keyField, 'nobody is in this group');
    }
    groups.set(name ?? entry.key, members);
  }
  return groups;
}

/** Reads `hosts`. */
export function readHosts(
  reader: Reader,
  field: Field | undefined,
): { readonly hosts: Policy['hosts']; readonly prefixes: ReadonlyMap<string, Prefix> } {
  const hosts = new Map<string, NamePlace>();
  const prefixes = new Map<string, Prefix>();
  for (const { key, keyField, field: value } of reader.entries(field, POLICY_LIMITS.HOSTS)) {
    if (!isHostName(key)) {
      reader.problem('NAME_INVALID', keyField, 'expected a name of a-z, 0-9, ".", "_" and "-" that is no address');
    }
    const text = reader.text(value);
    const prefix = text === undefined ? undefined : parseExactPrefix(text);
    if (prefix !== undefined && 'code' in prefix) reader.problem(prefix.code, value, prefix.message);
    else if (prefix !== undefined) {
      prefixes.set(key, prefix);
      hosts.set(key, { name: key, field: keyField.name, ...reader.place(keyField) });
    }
  }
  return { hosts, prefixes };
}

/** The tags there are, for whoever names one before their owners are read. */
export function readTagNames(field: Field | undefined): ReadonlySet<string> {
  const members = field?.value.kind === 'object' ? field.value.members : [];
  return new Set(members.flatMap(({ key }) => nameBehind('tag:', key) ?? []));
}

/** Reads `tagOwners`. A tag with an empty list is given by nobody but what its join link says. */
export function readTagOwners(reader: Reader, field: Field | undefined, known: KnownNames): Policy['tagOwners'] {
  const owners = (entry: Entry): PolicySelector[] =>
    readSelectors(reader, reader.items(entry.field, POLICY_LIMITS.SELECTORS), known, 'tag owner');
  const tags = new Map<string, readonly PolicySelector[]>();
  for (const entry of reader.entries(field, POLICY_LIMITS.TAGS)) {
    const name = nameBehind('tag:', entry.key);
    if (name === undefined || !isTagName(name)) {
      const message = 'expected "tag:" and up to 32 of a-z, 0-9 and "-", a letter first';
      reader.problem('NAME_INVALID', entry.keyField, message);
    }
    tags.set(name ?? entry.key, owners(entry));
  }
  return tags;
}

function nameBehind(prefix: string, key: string): string | undefined {
  return key.startsWith(prefix) ? key.slice(prefix.length) : undefined;
}
