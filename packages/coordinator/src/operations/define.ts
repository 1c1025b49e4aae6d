import type { GenericSchema } from 'valibot';
import type { Operation } from './operation.ts';

/** Keeps the type of the input within the operation, and forgets it outside. */
export function define<I extends GenericSchema>(operation: Operation<I>): Operation {
  return operation as unknown as Operation;
}
