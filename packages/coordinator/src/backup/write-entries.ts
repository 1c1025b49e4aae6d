import { decodeBase64 } from '@pcloud/netmap';
import { CoordinatorError } from '../errors.ts';
import type { Store, StorePut } from '../store/index.ts';
import { MAX_COMMIT_BYTES, MAX_OPERATIONS } from '../store/store.ts';
import type { Snapshot } from './contents.ts';

/** Puts entries into a store that nobody else has, in as few commits as there may be. */
export async function writeEntries(store: Store, entries: Snapshot['entries']): Promise<void> {
  let put: StorePut[] = [];
  let lengthBytes = 0;
  for (const [keyText, valueText] of entries) {
    const key = decodeBase64(keyText);
    const value = decodeBase64(valueText);
    if (key === undefined || value === undefined) {
      throw new CoordinatorError('BACKUP_INVALID', 'backup: an entry of its store cannot be read');
    }
    if (put.length === MAX_OPERATIONS || lengthBytes + key.length + value.length > MAX_COMMIT_BYTES) {
      await store.commit({ compare: [], put });
      put = [];
      lengthBytes = 0;
    }
    put.push({ key, value });
    lengthBytes += key.length + value.length;
  }
  if (put.length > 0) await store.commit({ compare: [], put });
}
