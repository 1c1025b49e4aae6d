import { DaemonError } from '../../errors.ts';

/** An operation that the coordinator did not do. */
export class OperationError extends Error {
  override readonly name = 'OperationError';
  /** The coordinator's word. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Requests on one channel that wait for their answers. */
export interface Requests {
  /** A number for a new request, and its answer. Rejects with OperationError, DaemonError NOT_CONNECTED or the signal's reason. */
  open(signal: AbortSignal | undefined): { readonly id: number; readonly answer: Promise<unknown> };
  resolve(id: number, result: unknown): void;
  reject(id: number, code: string, message: string): void;
  /** The channel is over: nobody answers any more. */
  end(): void;
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

export function createRequests(): Requests {
  const waiting = new Map<number, Waiting>();
  let lastId = 0;

  function settle(id: number, act: (one: Waiting) => void): void {
    const one = waiting.get(id);
    waiting.delete(id);
    if (one !== undefined) act(one);
  }

  return {
    open(signal) {
      lastId += 1;
      const id = lastId;
      const answer = new Promise<unknown>((resolve, reject) => {
        const abort = (): void => settle(id, (one) => one.reject(signal!.reason));
        const done = (): void => signal?.removeEventListener('abort', abort);
        waiting.set(id, {
          resolve(result) {
            done();
            resolve(result);
          },
          reject(error) {
            done();
            reject(error);
          },
        });
        if (signal?.aborted) abort();
        else signal?.addEventListener('abort', abort, { once: true });
      });
      return { id, answer };
    },
    resolve: (id, result) => settle(id, (one) => one.resolve(result)),
    reject: (id, code, message) => settle(id, (one) => one.reject(new OperationError(code, message))),
    end() {
      for (const id of [...waiting.keys()]) {
        settle(id, (one) =>
          one.reject(
            new DaemonError('NOT_CONNECTED', 'the channel to the coordinator ended before it answered; try again'),
          ),
        );
      }
    },
  };
}
