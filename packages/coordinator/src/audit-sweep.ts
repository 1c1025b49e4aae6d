/** Cuts the audit log at its old end, once a day. */
import type { Audit } from './audit.ts';
import type { Logger } from './log.ts';

export interface AuditSweepDeps {
  readonly audit: Pick<Audit, 'prune'>;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** @returns what cancels it */
  readonly setTimer: (callback: () => void, ms: number) => () => void;
}

/** A start has other things to do first. */
const FIRST_MS = 600_000;
const DAY_MS = 86_400_000;

export function startAuditSweep({ audit, log, setTimer }: AuditSweepDeps): { stop(): void } {
  let cancel = setTimer(sweep, FIRST_MS);

  function sweep(): void {
    cancel = setTimer(sweep, DAY_MS);
    audit.prune().then(
      ({ old, excess }) => {
        if (old > 0) log.info({ entries: old }, 'the oldest entries of the audit log were taken away');
        if (excess > 0) log.warn({ entries: excess }, 'the audit log was full, and lost its oldest entries early');
      },
      (error: unknown) => log.warn({ error: (error as Error).message }, 'the audit log could not be cut'),
    );
  }

  return { stop: () => cancel() };
}
