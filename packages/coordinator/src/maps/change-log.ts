/** A node that came, went or changed, and the classes it was and is of. */
export interface Move {
  readonly id: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** What changed of late, so that who comes back is sent what it missed. */
export interface MoveLog {
  add(revision: number, moves: readonly Move[]): void;
  /** Who sees whom is another matter from this revision on: what came before is of no use. */
  forget(revision: number): void;
  /** What came after a revision; undefined when that cannot be told any more. */
  since(revision: number, newest: number): readonly Move[] | undefined;
}

/** Changes that a reconnect can resume over. */
const LOG_LENGTH = 10_000;

/** @param start the revision before the first change */
export function createChangeLog(start: number): MoveLog {
  let log: { readonly revision: number; readonly moves: readonly Move[] }[] = [];
  let logStart = start;
  return {
    add(revision, moves) {
      log.push({ revision, moves });
      while (log.length > LOG_LENGTH) logStart = log.shift()!.revision;
    },
    forget(revision) {
      log = [];
      logStart = revision;
    },
    since(revision, newest) {
      if (revision < logStart || revision > newest) return undefined;
      const moves: Move[] = [];
      for (let index = log.length - 1; index >= 0 && log[index]!.revision > revision; index--) {
        moves.push(...log[index]!.moves);
      }
      return moves;
    },
  };
}
