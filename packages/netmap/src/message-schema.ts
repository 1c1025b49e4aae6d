/**
 * Writes and reads messages of the node channel. What is not exactly a message of `messages.ts` is undefined: unknown
 * kinds and members, wrong types, values out of range or too large.
 */
import * as v from 'valibot';
import type { NodeMessage, ServerMessage } from './messages.ts';
import { isPlainJson } from './plain-json.ts';
import { MAX_NODE_MESSAGE_BYTES } from './schema/limits.ts';
import { nodeMessageSchema } from './schema/node-message.ts';
import { serverMessageSchema } from './schema/server-message.ts';

/** A message as text. */
export function encodeMessage(message: NodeMessage | ServerMessage): string {
  return JSON.stringify(message);
}

/** A message of a node, or undefined. */
export function decodeNodeMessage(text: string): NodeMessage | undefined {
  return text.length > MAX_NODE_MESSAGE_BYTES ? undefined : decode(nodeMessageSchema, text);
}

/** A message of a server, or undefined. */
export function decodeServerMessage(text: string): ServerMessage | undefined {
  return decode(serverMessageSchema, text);
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
