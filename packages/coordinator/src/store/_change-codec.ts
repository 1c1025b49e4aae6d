import { concatBytes, copyBytes } from './_bytes.ts';
import type { StoreChange } from './store.ts';

type Puts = StoreChange['puts'];

const PUT_HEADER_BYTES = 9;

/** Each put as: length of its key (4 bytes), whether it deletes (1), length of its value (4), key, value. */
export function encodePuts(puts: Puts): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const { key, value } of puts) {
    const header = new Uint8Array(PUT_HEADER_BYTES);
    const view = new DataView(header.buffer);
    view.setUint32(0, key.length);
    view.setUint8(4, value === undefined ? 1 : 0);
    view.setUint32(5, value?.length ?? 0);
    parts.push(header, key);
    if (value) parts.push(value);
  }
  return concatBytes(...parts);
}

/** The puts as `encodePuts` made them, or undefined. */
export function parsePuts(bytes: Uint8Array): Puts | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const puts: Puts[number][] = [];
  let at = 0;
  while (at < bytes.length) {
    if (bytes.length - at < PUT_HEADER_BYTES) return undefined;
    const keyAt = at + PUT_HEADER_BYTES;
    const valueAt = keyAt + view.getUint32(at);
    const isDelete = view.getUint8(at + 4) === 1;
    at = valueAt + view.getUint32(at + 5);
    if (at > bytes.length) return undefined;
    puts.push({
      key: copyBytes(bytes.subarray(keyAt, valueAt)),
      value: isDelete ? undefined : copyBytes(bytes.subarray(valueAt, at)),
    });
  }
  return puts;
}
