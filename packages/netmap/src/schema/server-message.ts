import * as v from 'valibot';
import type { RefusalCode, ServerMessage } from '../messages.ts';
import { filterSchema } from './filter.ts';
import { LIMITS } from './limits.ts';
import { networkSchema, nodeSchema, nodesSchema, presenceSchema, revocationsSchema } from './map.ts';
import { base64Schema, countSchema, hashSchema, idSchema, keySchema, listSchema, plainTextSchema } from './parts.ts';

const REFUSAL_CODES: Record<RefusalCode, true> = {
  VERSION_UNSUPPORTED: true,
  TOKEN_UNKNOWN: true,
  TOKEN_EXPIRED: true,
  TOKEN_USED: true,
  KEY_PROOF_INVALID: true,
  KEY_IN_USE: true,
  NODE_REMOVED: true,
  USER_DISABLED: true,
  APPROVAL_DENIED: true,
  APPROVAL_EXPIRED: true,
  ADDRESS_IN_USE: true,
  ADDRESSES_EXHAUSTED: true,
  NETWORK_FULL: true,
  MESSAGE_TOO_LARGE: true,
  MALFORMED: true,
  REPLACED: true,
  TRY_LATER: true,
};

export const serverMessageSchema: v.GenericSchema<unknown, ServerMessage> = v.variant('kind', [
  v.strictObject({
    kind: v.literal('challenge'),
    version: countSchema,
    key: keySchema,
    serverSet: v.exactOptional(base64Schema(90_000)),
    wallMs: countSchema,
  }),
  v.strictObject({ kind: v.literal('welcome'), nodeId: idSchema, program: plainTextSchema(LIMITS.PROGRAM) }),
  v.strictObject({
    kind: v.literal('pending'),
    code: plainTextSchema(64),
    url: plainTextSchema(LIMITS.TEXT),
    expiresInMs: countSchema,
  }),
  v.strictObject({
    kind: v.literal('refused'),
    code: v.picklist(Object.keys(REFUSAL_CODES) as RefusalCode[]),
    message: plainTextSchema(LIMITS.TEXT),
  }),
  v.strictObject({
    kind: v.literal('map'),
    epoch: countSchema,
    revision: countSchema,
    network: networkSchema,
    self: nodeSchema,
    nodes: nodesSchema,
    filter: v.exactOptional(filterSchema),
    hash: hashSchema,
  }),
  v.strictObject({
    kind: v.literal('delta'),
    epoch: countSchema,
    from: countSchema,
    to: countSchema,
    network: v.exactOptional(networkSchema),
    self: v.exactOptional(nodeSchema),
    filter: v.exactOptional(filterSchema),
    changed: nodesSchema,
    removed: listSchema(idSchema, LIMITS.NODES),
    hash: hashSchema,
  }),
  v.strictObject({ kind: v.literal('presence'), nodes: listSchema(presenceSchema, LIMITS.NODES) }),
  v.strictObject({ kind: v.literal('revocations'), id: countSchema, nodes: revocationsSchema }),
  v.strictObject({
    kind: v.literal('key'),
    isExpired: v.boolean(),
    expiresInMs: v.exactOptional(countSchema),
    rotatesInMs: v.exactOptional(countSchema),
  }),
  v.strictObject({ kind: v.literal('response'), id: countSchema, result: v.unknown() }),
  v.strictObject({
    kind: v.literal('failure'),
    id: countSchema,
    code: v.pipe(v.string(), v.regex(/^[A-Z][A-Z_]{0,63}$/)),
    message: plainTextSchema(LIMITS.TEXT),
  }),
  v.strictObject({ kind: v.literal('ping'), id: countSchema }),
  v.strictObject({ kind: v.literal('pong'), id: countSchema }),
]);
