/** Names of nodes: DNS labels (RFC 1035 section 2.3.1) in lower case, unique in the network. */

/** Characters of a DNS label. */
export const MAX_NAME_LENGTH = 63;

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** Resolvers take such a name for an IPv4 address before they ask anybody. */
const NUMBER = /^(?:[0-9]+|0x[0-9a-f]*)$/;

/** Whether the text is a name as `toNodeName` makes them. */
export function isNodeName(text: string): boolean {
  return LABEL.test(text) && !text.includes('--') && !NUMBER.test(text);
}

/** The name nearest to what somebody wished for, a host name say: its first label, `node` when nothing is left. */
export function toNodeName(wish: string): string {
  const letters = wish
    .slice(0, 1024)
    .trim()
    .split('.', 1)[0]!
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .toLowerCase();
  const label = cutLabel(letters.replace(/[^a-z0-9]+/g, '-'), MAX_NAME_LENGTH);
  if (label === '') return 'node';
  return NUMBER.test(label) ? cutLabel(`node-${label}`, MAX_NAME_LENGTH) : label;
}

/** The label itself, or with the first number from 2 that nobody has. */
export function uniqueName(label: string, taken: { has(name: string): boolean }): string {
  if (!taken.has(label)) return label;
  for (let number = 2; ; number++) {
    const suffix = `-${number}`;
    const name = cutLabel(label, MAX_NAME_LENGTH - suffix.length) + suffix;
    if (!taken.has(name)) return name;
  }
}

function cutLabel(label: string, length: number): string {
  return label.replace(/^-+/, '').slice(0, length).replace(/-+$/, '');
}
