/**
 * A signed server set as bytes: the root's public key and the sets from one that the root signed to the
 * newest, so that a node that joins today can follow them. Canonical JSON: one value has one form.
 */
import * as v from 'valibot';
import { readUtf8, utf8 } from '../bytes.ts';
import { canonicalJson } from '../canonical-json.ts';
import { NetmapError } from '../errors.ts';
import { keySchema, signatureSchema, urlSchema } from '../schema/parts.ts';
import type { ServerSet, ServerSetSignature } from './server-set.ts';

export interface ServerSetChain {
  /** Ed25519, base64. */
  readonly root: string;
  readonly steps: readonly {
    readonly set: ServerSet;
    readonly signatures: readonly ServerSetSignature[];
  }[];
}

/** Most servers of a set, URLs of a server, sets of a chain, and bytes of one. */
export const SERVER_SET = { SERVERS: 32, URLS: 8, STEPS: 64, BYTES: 65_536 } as const;

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const chainSchema: v.GenericSchema<unknown, ServerSetChain> = v.strictObject({
  root: signKey(),
  steps: v.pipe(
    v.array(
      v.strictObject({
        set: v.strictObject({
          number: count,
          servers: v.pipe(
            v.array(
              v.strictObject({
                channelKey: keySchema,
                signKey: signKey(),
                urls: v.pipe(v.array(urlSchema), v.minLength(1), v.maxLength(SERVER_SET.URLS)),
              }),
            ),
            v.minLength(1),
            v.maxLength(SERVER_SET.SERVERS),
            v.check((servers) => new Set(servers.map((server) => server.channelKey)).size === servers.length),
            v.check((servers) => new Set(servers.map((server) => server.signKey)).size === servers.length),
          ),
        }),
        signatures: v.pipe(
          v.array(v.strictObject({ key: signKey(), signature: signatureSchema(64) })),
          v.minLength(1),
          v.maxLength(SERVER_SET.SERVERS + 1),
        ),
      }),
    ),
    v.minLength(1),
    v.maxLength(SERVER_SET.STEPS),
  ),
});

/** @throws NetmapError INVALID_VALUE */
export function encodeChain(chain: ServerSetChain): Uint8Array {
  const parsed = v.safeParse(chainSchema, chain);
  if (!parsed.success) {
    throw new NetmapError('INVALID_VALUE', `server set: ${v.getDotPath(parsed.issues[0]) ?? ''} is not valid`);
  }
  const bytes = utf8(canonicalJson(parsed.output));
  if (bytes.length > SERVER_SET.BYTES) throw new NetmapError('INVALID_VALUE', 'server set: too large');
  return bytes;
}

/** The chain, or undefined for any other bytes. Signatures are not looked at. */
export function decodeChain(bytes: Uint8Array): ServerSetChain | undefined {
  const text = bytes.length > SERVER_SET.BYTES ? undefined : readUtf8(bytes);
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = v.safeParse(chainSchema, value);
  return parsed.success && canonicalJson(parsed.output) === text ? parsed.output : undefined;
}

function signKey(): v.GenericSchema<unknown, string> {
  return signatureSchema(32);
}
