/** Schemas of what messages and server sets are made of. Each takes only the canonical form of a value. */
import { parseAddress, parseEndpoint, parsePrefix } from '@pcloud/ip';
import * as v from 'valibot';
import { isNodeName } from '../names.ts';
import { parseNetworkId } from '../network-id.ts';
import { isPlainText } from '../plain-text.ts';
import { isCanonicalKey } from '../public-key.ts';
import { decodeBase64 } from '../text.ts';
import { MAX_URL_LENGTH, parseServerUrl } from '../urls.ts';

type Text = v.GenericSchema<unknown, string>;

/** An X25519 public key, base64. */
export const keySchema: Text = text(44, (key) => {
  const bytes = decodeBase64(key, 32);
  return bytes !== undefined && isCanonicalKey(bytes);
});

/** So many bytes in base64. */
export function signatureSchema(lengthBytes: number): Text {
  return text(4 * Math.ceil(lengthBytes / 3), (value) => decodeBase64(value, lengthBytes) !== undefined);
}

/** Any bytes in base64, so many characters at most. */
export function base64Schema(maxLength: number): Text {
  return text(maxLength, (value) => decodeBase64(value) !== undefined);
}

export const hashSchema: Text = signatureSchema(32);
export const urlSchema: Text = text(MAX_URL_LENGTH, (url) => parseServerUrl(url) === url);
export const networkIdSchema: Text = text(52, (id) => parseNetworkId(id) !== undefined);
export const nodeNameSchema: Text = text(63, isNodeName);
export const idSchema: Text = text(64, (id) => /^[A-Za-z0-9_-]+$/.test(id));
export const addressSchema: Text = text(45, (address) => parseAddress(address) !== undefined);
export const prefixSchema: Text = text(49, (prefix) => prefix.includes('/') && parsePrefix(prefix) !== undefined);
/** Dotted DNS labels. */
export const domainSchema: Text = text(253, (domain) =>
  domain.split('.').every((label) => /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(label)),
);
/** `ADDRESS:PORT` with a port and without a scope. */
export const endpointSchema: Text = text(
  56,
  (endpoint) => !endpoint.includes('%') && !endpoint.endsWith(':0') && parseEndpoint(endpoint) !== undefined,
);
/** Text for people: one line of signs. */
export function plainTextSchema(maxLength: number): Text {
  return text(maxLength, isPlainText);
}

/** Zero and up, exact. */
export const countSchema: v.GenericSchema<unknown, number> = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

export function listSchema<T>(item: v.GenericSchema<unknown, T>, maxLength: number): v.GenericSchema<unknown, T[]> {
  // The length is checked before any item is looked at.
  return v.pipe(
    v.custom<unknown[]>((value) => Array.isArray(value) && value.length <= maxLength),
    v.array(item),
  );
}

function text(maxLength: number, isValid: (value: string) => boolean): Text {
  return v.custom<string>((value) => typeof value === 'string' && value.length <= maxLength && isValid(value));
}
