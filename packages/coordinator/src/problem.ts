/** What is wrong, as who asked is told. */
import { CoordinatorError, type CoordinatorErrorCode } from './errors.ts';
import type { Logger } from './log.ts';
import { describeStoreFault, StoreError } from './store/index.ts';

export interface Problem {
  readonly status: number;
  readonly code: CoordinatorErrorCode;
  readonly message: string;
  readonly retryAfterMs?: number;
}

/** Of what the asker can do nothing about, only the log says more than that it failed. */
export function problemOf(error: unknown, log: Logger): Problem {
  if (error instanceof CoordinatorError) {
    const { status, code, message, retryAfterMs } = error;
    return { status, code, message, ...(retryAfterMs !== undefined && { retryAfterMs }) };
  }
  log.error({ fault: String((error as Error)?.stack ?? error) }, 'a request failed');
  if (error instanceof StoreError && error.code === 'FAILED') {
    return { status: 507, code: 'STORE_FAILED', message: describeStoreFault(error) };
  }
  return { status: 500, code: 'FAILED', message: 'the server could not do it; its log says why' };
}
