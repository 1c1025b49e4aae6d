/**
 * Reads messages of the node channel. What is not exactly a message of `messages.ts` is undefined: unknown
 * kinds and members, wrong types, values out of range or too large.
 */
import * as v from 'valibot';
import type { MapNetwork, MapNode, Presence } from './map.ts';
import type { NodeMessage, RefusalCode, ServerMessage } from './messages.ts';
import { isPlainJson } from './plain-json.ts';
import {
  addressSchema,
  base64Schema,
  countSchema,
  domainSchema,
  endpointSchema,
  hashSchema,
  idSchema,
  keySchema,
  listSchema,
  networkIdSchema,
  nodeNameSchema,
  plainTextSchema,
  prefixSchema,
  urlSchema,
} from './schema-parts.ts';

/** Bytes of a message that a server takes from a node. */
export const MAX_NODE_MESSAGE_BYTES: number = 256 * 1024;

/** Most of each in one message; lengths in characters. */
export const LIMITS = {
  ENDPOINTS: 32,
  NAME: 63,
  TOKEN: 200,
  PROGRAM: 100,
  TEXT: 1000,
  TAGS: 32,
  ADDRESSES: 8,
  RELAYS: 64,
  NODES: 65_534,
} as const;

const endpoints = listSchema(endpointSchema, LIMITS.ENDPOINTS);
const program = plainTextSchema(LIMITS.PROGRAM);
const ping = v.strictObject({ kind: v.literal('ping'), id: countSchema });
const pong = v.strictObject({ kind: v.literal('pong'), id: countSchema });

const versions = v.pipe(
  v.strictObject({ least: countSchema, most: countSchema }),
  v.check(({ least, most }) => least <= most),
);

const nodeMessage: v.GenericSchema<unknown, NodeMessage> = v.variant('kind', [
  // Newer programs may say more in their hello: it comes before both sides know which version they speak.
  v.object({ kind: v.literal('hello'), versions, program, serverSet: countSchema }),
  v.strictObject({
    kind: v.literal('join'),
    nodeKey: keySchema,
    proof: hashSchema,
    token: v.exactOptional(plainTextSchema(LIMITS.TOKEN)),
    name: plainTextSchema(LIMITS.NAME),
    endpoints,
    map: v.exactOptional(v.strictObject({ epoch: countSchema, revision: countSchema, hash: hashSchema })),
  }),
  v.strictObject({ kind: v.literal('endpoints'), endpoints }),
  v.strictObject({ kind: v.literal('resync') }),
  v.strictObject({
    kind: v.literal('request'),
    id: countSchema,
    operation: v.pipe(v.string(), v.regex(/^[a-z][A-Za-z]{0,31}(?:\.[a-z][A-Za-z]{0,31}){0,3}$/)),
    input: v.unknown(),
  }),
  ping,
  pong,
]);

const network: v.GenericSchema<unknown, MapNetwork> = v.strictObject({
  id: networkIdSchema,
  prefixes: listSchema(prefixSchema, LIMITS.ADDRESSES),
  domain: domainSchema,
  relays: listSchema(urlSchema, LIMITS.RELAYS),
});

const node: v.GenericSchema<unknown, MapNode> = v.strictObject({
  id: idSchema,
  name: nodeNameSchema,
  user: plainTextSchema(LIMITS.NAME),
  tags: listSchema(idSchema, LIMITS.TAGS),
  role: v.picklist(['server', 'client']),
  nodeKey: keySchema,
  addresses: listSchema(addressSchema, LIMITS.ADDRESSES),
});
const nodes = listSchema(node, LIMITS.NODES);

const presence: v.GenericSchema<unknown, Presence> = v.strictObject({ id: idSchema, online: v.boolean(), endpoints });

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
  MALFORMED: true,
  REPLACED: true,
  TRY_LATER: true,
};

const serverMessage: v.GenericSchema<unknown, ServerMessage> = v.variant('kind', [
  v.strictObject({
    kind: v.literal('challenge'),
    version: countSchema,
    key: keySchema,
    serverSet: v.exactOptional(base64Schema(90_000)),
    wallMs: countSchema,
  }),
  v.strictObject({ kind: v.literal('welcome'), nodeId: idSchema, program }),
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
    network,
    self: node,
    nodes,
    hash: hashSchema,
  }),
  v.strictObject({
    kind: v.literal('delta'),
    epoch: countSchema,
    from: countSchema,
    to: countSchema,
    network: v.exactOptional(network),
    self: v.exactOptional(node),
    changed: nodes,
    removed: listSchema(idSchema, LIMITS.NODES),
    hash: hashSchema,
  }),
  v.strictObject({ kind: v.literal('presence'), nodes: listSchema(presence, LIMITS.NODES) }),
  v.strictObject({ kind: v.literal('response'), id: countSchema, result: v.unknown() }),
  v.strictObject({
    kind: v.literal('failure'),
    id: countSchema,
    code: v.pipe(v.string(), v.regex(/^[A-Z][A-Z_]{0,63}$/)),
    message: plainTextSchema(LIMITS.TEXT),
  }),
  ping,
  pong,
]);

/** A message of a node, or undefined. */
export function decodeNodeMessage(text: string): NodeMessage | undefined {
  return text.length > MAX_NODE_MESSAGE_BYTES ? undefined : decode(nodeMessage, text);
}

/** A message of a server, or undefined. */
export function decodeServerMessage(text: string): ServerMessage | undefined {
  return decode(serverMessage, text);
}

function decode<T>(schema: v.GenericSchema<unknown, T>, text: string): T | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isPlainJson(value)) return undefined;
  const parsed = v.safeParse(schema, value, { abortEarly: true });
  return parsed.success ? parsed.output : undefined;
}
