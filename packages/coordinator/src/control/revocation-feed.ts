/** Tells one connected node what was revoked, and knows how much of it the node has on disk. */
import type { NodeMessage, RevocationSet, ServerMessage } from '@pcloud/netmap';

export interface RevocationFeed {
  /** How many of the list, in its order, are in force at the node. */
  readonly confirmed: number;
  /** Asks the node what it has, and goes on from there. */
  start(): void;
  /** The list has grown. */
  tell(): void;
  /** @returns whether it answers something that was told */
  handleConfirmed(message: Extract<NodeMessage, { kind: 'revoked' }>): boolean;
}

interface Told {
  /** What of the list the node must have had before, and has with it. */
  readonly from: number;
  readonly to: number;
  /** Of the list up to there. */
  readonly hash: string;
}

export function createRevocationFeed(
  list: Pick<RevocationSet, 'entries' | 'hash'>,
  send: (message: ServerMessage) => void,
): RevocationFeed {
  const unanswered = new Map<number, Told>();
  let lastId = 0;
  let sent = 0;
  let confirmed = 0;

  function sendFrom(from: number, firstSent: number): void {
    lastId += 1;
    sent = list.entries.length;
    unanswered.set(lastId, { from, to: sent, hash: list.hash });
    send({ kind: 'revocations', id: lastId, nodes: list.entries.slice(firstSent) });
  }

  return {
    get confirmed() {
      return confirmed;
    },
    start() {
      // By the hash alone it shows whether the node lacks anything, and mostly it does not.
      if (list.entries.length > 0) sendFrom(list.entries.length, list.entries.length);
    },
    tell: () => sendFrom(sent, sent),
    handleConfirmed({ id, hash }) {
      const told = unanswered.get(id);
      if (told === undefined) return false;
      unanswered.delete(id);
      // A node may have more than this server, as after a backup of the server was put back.
      if (hash === told.hash || told.from <= confirmed) {
        confirmed = Math.max(confirmed, told.to);
      } else if (![...unanswered.values()].some(({ from }) => from === 0)) {
        sendFrom(0, 0);
      }
      return true;
    },
  };
}
