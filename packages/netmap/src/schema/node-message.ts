import * as v from 'valibot';
import type { NodeMessage } from '../messages.ts';
import { LIMITS } from './limits.ts';
import { endpointsSchema } from './map.ts';
import { countSchema, hashSchema, keySchema, plainTextSchema } from './parts.ts';

const versions = v.pipe(
  v.strictObject({ least: countSchema, most: countSchema }),
  v.check(({ least, most }) => least <= most),
);

export const nodeMessageSchema: v.GenericSchema<unknown, NodeMessage> = v.variant('kind', [
  // Newer programs may say more in their hello: it comes before both sides know which version they speak.
  v.object({ kind: v.literal('hello'), versions, program: plainTextSchema(LIMITS.PROGRAM), serverSet: countSchema }),
  v.strictObject({
    kind: v.literal('join'),
    nodeKey: keySchema,
    proof: hashSchema,
    token: v.exactOptional(plainTextSchema(LIMITS.TOKEN)),
    name: plainTextSchema(LIMITS.NAME),
    endpoints: endpointsSchema,
    map: v.exactOptional(v.strictObject({ epoch: countSchema, revision: countSchema, hash: hashSchema })),
  }),
  v.strictObject({ kind: v.literal('endpoints'), endpoints: endpointsSchema }),
  v.strictObject({ kind: v.literal('resync') }),
  v.strictObject({ kind: v.literal('revoked'), id: countSchema, hash: hashSchema }),
  v.strictObject({
    kind: v.literal('request'),
    id: countSchema,
    operation: v.pipe(v.string(), v.regex(/^[a-z][A-Za-z-]{0,31}(?:\.[a-z][A-Za-z-]{0,31}){0,3}$/)),
    input: v.unknown(),
  }),
  v.strictObject({ kind: v.literal('ping'), id: countSchema }),
  v.strictObject({ kind: v.literal('pong'), id: countSchema }),
]);
