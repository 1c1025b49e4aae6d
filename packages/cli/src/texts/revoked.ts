import { wrap } from './table.ts';

/** What the coordinator tells of a device that was revoked. */
export interface Revoked {
  readonly ended: number;
  readonly addedNodes: NamedNodes;
  readonly addedUsers: readonly string[];
  readonly unconfirmed: NamedNodes;
  readonly away: NamedNodes;
}

interface NamedNodes {
  readonly names: readonly string[];
  /** Of which who asks may not know. */
  readonly others: number;
}

/** Names in a sentence; of more there is the number. */
const MOST_NAMES = 20;

/** Where a revocation is in force, and what is left to be looked at, for people. */
export function formatRevoked(
  node: string,
  { ended, addedNodes, addedUsers, unconfirmed, away }: Revoked,
  columns: number,
): string {
  const lines = [`${node} is out of the network for good.`];
  if (isAny(unconfirmed)) {
    lines.push(
      `Connected, and not confirmed within 2 s: ${list(unconfirmed)}. Until they do they may still let it in.`,
    );
  } else {
    lines.push('All devices that are connected have confirmed it.');
  }
  if (isAny(away)) lines.push(`Away, and told when they are back: ${list(away)}.`);
  if (ended > 0) lines.push(`Sessions, invitations and links made on it that have ended: ${ended}.`);
  if (isAny(addedNodes)) lines.push(`Devices let in through it, which stay: ${list(addedNodes)}.`);
  if (addedUsers.length > 0)
    lines.push(`Accounts made through it, which stay: ${list({ names: addedUsers, others: 0 })}.`);
  return lines.map((line) => wrap(line, columns)).join('');
}

function isAny({ names, others }: NamedNodes): boolean {
  return names.length + others > 0;
}

function list({ names, others }: NamedNodes): string {
  const more = names.length - MOST_NAMES + others;
  if (names.length > MOST_NAMES) return `${names.slice(0, MOST_NAMES).join(', ')} and ${more} more`;
  if (others === 0) return names.join(', ');
  return names.length === 0
    ? `${others} that you may not see`
    : `${names.join(', ')} and ${others} that you may not see`;
}
