import * as v from 'valibot';
import type { FilterRule, FilterSelector } from '../policy/filter-rule.ts';
import type { PortRange } from '../policy/ports.ts';
import { LIMITS } from './limits.ts';
import { idSchema, listSchema, plainTextSchema, prefixSchema } from './parts.ts';

const nameSchema = plainTextSchema(LIMITS.NAME);

const selectorSchema: v.GenericSchema<unknown, FilterSelector> = v.custom<FilterSelector>(
  (value) => typeof value === 'string' && isSelector(value),
);

function isSelector(text: string): boolean {
  if (text === '*' || text === 'role:server' || text === 'unclaimed') return true;
  const [, kind, name = ''] = /^(user|tag|node):(.+)$/.exec(text) ?? [];
  if (kind === undefined) return v.is(prefixSchema, text);
  return v.is(kind === 'node' ? idSchema : nameSchema, name);
}

const numberUpTo = (most: number) => v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(most));

const portsSchema: v.GenericSchema<unknown, PortRange> = v.pipe(
  v.strictTuple([numberUpTo(65_535), numberUpTo(65_535)]),
  v.check(([first, last]) => first <= last),
);

export const filterSchema: v.GenericSchema<unknown, FilterRule[]> = listSchema(
  v.strictObject({
    from: listSchema(selectorSchema, LIMITS.SELECTORS),
    to: v.exactOptional(listSchema(prefixSchema, LIMITS.SELECTORS)),
    protocols: listSchema(numberUpTo(255), LIMITS.PROTOCOLS),
    ports: listSchema(portsSchema, LIMITS.PORTS),
    rule: v.pipe(v.number(), v.safeInteger(), v.minValue(-1)),
  }),
  LIMITS.RULES,
);
