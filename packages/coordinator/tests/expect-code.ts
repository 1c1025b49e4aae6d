import * as assert from 'uvu/assert';
import { CoordinatorError, type CoordinatorErrorCode } from '../src/errors.ts';

/** That a promise is rejected under this code. @returns the error */
export async function expectCode(promise: Promise<unknown>, code: CoordinatorErrorCode): Promise<CoordinatorError> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error) => ({ error }),
  );
  if (!('error' in outcome)) assert.unreachable(`expected ${code}, got ${JSON.stringify(outcome.value)}`);
  const { error } = outcome as { error: unknown };
  if (!(error instanceof CoordinatorError)) throw error;
  assert.is(error.code, code, error.message);
  return error;
}
