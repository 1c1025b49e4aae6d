/** Parts of inputs that many operations share. */
import * as v from 'valibot';

export const nothing: v.GenericSchema<unknown, Record<string, never>> = v.pipe(
  v.optional(v.strictObject({}), {}),
  v.transform((): Record<string, never> => ({})),
);

export const text: v.GenericSchema<unknown, string> = v.pipe(v.string(), v.minLength(1), v.maxLength(200));

export const id: v.GenericSchema<unknown, { readonly id: string }> = v.strictObject({ id: text });

export const role: v.GenericSchema<unknown, 'owner' | 'admin' | 'member'> = v.picklist(['owner', 'admin', 'member']);

export const milliseconds: v.GenericSchema<unknown, number> = v.pipe(
  v.number(),
  v.integer(),
  v.minValue(1),
  v.maxValue(90 * 86_400_000),
);
