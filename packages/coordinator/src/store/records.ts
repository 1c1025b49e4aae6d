import { type GenericSchema, type InferOutput, safeParse } from 'valibot';
import { type StoreEntry, StoreError } from './store.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** A key of text, such as `users/<id>`. Parts must hold no slash of their own. */
export function textKey(...parts: readonly string[]): Uint8Array {
  return encoder.encode(parts.join('/'));
}

/** What is after the last slash of a key. */
export function lastPart(key: Uint8Array): string {
  const text = decoder.decode(key);
  return text.slice(text.lastIndexOf('/') + 1);
}

/** The prefix of all keys below a path: `users` gives `users/`. */
export function below(...parts: readonly string[]): Uint8Array {
  return encoder.encode(`${parts.join('/')}/`);
}

export function encodeRecord(record: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(record));
}

/**
 * The value of an entry as a record.
 * @throws StoreError CORRUPT when it is not what the schema says: the key is named, the value is not
 */
export function readRecord<S extends GenericSchema>(
  schema: S,
  entry: Pick<StoreEntry, 'key' | 'value'>,
): InferOutput<S> {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(entry.value));
  } catch {
    throw unreadable(entry.key, 'it is no JSON');
  }
  const result = safeParse(schema, value);
  if (result.success) return result.output;
  const path = result.issues[0].path?.map((item) => String(item.key)).join('.') ?? '';
  throw unreadable(entry.key, `field "${path}" is not as it should be`);
}

function unreadable(key: Uint8Array, why: string): StoreError {
  const name = Buffer.from(key).toString('utf8');
  return new StoreError('CORRUPT', `record ${JSON.stringify(name)}: ${why}`);
}
