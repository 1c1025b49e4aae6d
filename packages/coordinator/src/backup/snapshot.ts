import { encodeBase64 } from '@pcloud/netmap';
import type { Audit } from '../audit.ts';
import type { Actor } from '../operations/operation.ts';
import type { Store, StoreEntry } from '../store/index.ts';
import type { Snapshot } from './contents.ts';

const EVERYTHING = new Uint8Array(0);

/** The whole store at one revision; that it was taken is in it. */
export async function takeSnapshot(
  actor: Actor,
  { store, audit }: { readonly store: Store; readonly audit: Audit },
): Promise<Snapshot> {
  await audit.append({ actor, action: 'backup.create' });
  const { entries, revision } = await store.list(EVERYTHING);
  return encodeSnapshot(entries, revision);
}

export function encodeSnapshot(entries: readonly StoreEntry[], revision: number): Snapshot {
  return { revision, entries: entries.map(({ key, value }) => [encodeBase64(key), encodeBase64(value)]) };
}
