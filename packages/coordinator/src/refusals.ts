/** What is turned away: counted by code, and told to the log in lines that no flood can multiply. */
import type { ChannelFault, RefusalCode } from '@pcloud/netmap';
import type { CoordinatorErrorCode } from './errors.ts';
import type { Logger } from './log.ts';
import { createRateLimiter } from './rate-limiter.ts';

/** Codes by what they are of. They are few, so that nobody can make counters or lines many. */
interface Codes {
  readonly tls: 'HANDSHAKE_REFUSED';
  readonly http: CoordinatorErrorCode | 'MALFORMED' | 'HEADERS_TOO_LARGE' | 'TOO_SLOW';
  /** Of node channels. `UNREAD`: asks on and takes no answer. `SILENT`: said nothing in time. */
  readonly channel: ChannelFault | 'OUT_OF_TURN' | 'RATE_LIMITED' | 'SILENT' | 'TEXT' | 'UNREAD';
  readonly join: RefusalCode;
  /** Operations that a node asked for. */
  readonly request: CoordinatorErrorCode;
}

export interface Refusals {
  /** @param source the address it came from; `node` its name, where it is known */
  note<P extends keyof Codes>(part: P, code: Codes[P], source: string, node?: string): void;
  /** How often since the start, by `part.CODE`. */
  counters(): Readonly<Record<string, number>>;
}

/** A line of each code may be written at once, and one a minute after that: at most some 10 MB a day. */
const LINES = { burst: 10, regainMs: 60_000 } as const;
const MAX_CODES = 1_000;

export function createRefusals({ log, now }: { readonly log: Logger; readonly now: () => number }): Refusals {
  const counts = new Map<string, number>();
  const limiter = createRateLimiter(now, MAX_CODES);

  return {
    note(part, code, source, node) {
      const key = `${part}.${code}`;
      const total = (counts.get(key) ?? 0) + 1;
      counts.set(key, total);
      const line = { key, ...LINES };
      if (limiter.waitMs(line) > 0) return;
      limiter.take(line);
      log.info({ part, code, source, node, total }, 'turned away');
    },
    counters: () => Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}
