import { chmodSync, mkdirSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Level } from 'level';
import { endOfPrefix } from './_bytes.ts';
import type { Backend, StoreDeps } from './backend.ts';
import { loadStore } from './create-store.ts';
import { type Store, StoreError, type StoreErrorCode } from './store.ts';

/**
 * A store in a directory, which is made where it is missing, and is of its owner alone. One process has it at a time.
 * @throws StoreError LOCKED when another process has it, CORRUPT when it cannot be read, FAILED
 */
export async function openLevelStore(directory: string, deps: StoreDeps = {}): Promise<Store> {
  const backend = await openBackend(directory);
  try {
    return await loadStore(backend, deps);
  } catch (error) {
    await backend.close();
    throw explain(directory, error);
  }
}

async function openBackend(directory: string): Promise<Backend> {
  let level = await open(directory);
  return {
    get: (key) => level.get(key),
    async scan(prefix, limit = -1, after) {
      const end = endOfPrefix(prefix);
      const start = after ? { gt: after } : { gte: prefix };
      return level.iterator({ ...start, ...(end && { lt: end }), limit }).all();
    },
    async write(rows) {
      const operations = rows.map(([key, value]) =>
        value === undefined ? { type: 'del' as const, key } : { type: 'put' as const, key, value },
      );
      await level.batch(operations, { sync: true });
    },
    async reopen() {
      // Once closed, a store on a full disk can be neither opened nor read.
      await probeSpace(directory);
      await level.close();
      level = await open(directory);
    },
    close: () => level.close(),
  };
}

async function open(directory: string): Promise<Level<Uint8Array, Uint8Array>> {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    // LevelDB makes its files for everybody to read: the directory keeps others out, whoever made it.
    chmodSync(directory, 0o700);
    const level = new Level<Uint8Array, Uint8Array>(directory, { keyEncoding: 'view', valueEncoding: 'view' });
    await level.open();
    return level;
  } catch (error) {
    throw explain(directory, error);
  }
}

/** What LevelDB writes at most when it opens: its log (4 MiB) as a table, and its manifest. */
const PROBE_BYTES = 8 * 1024 * 1024;

async function probeSpace(directory: string): Promise<void> {
  const path = join(directory, 'probe');
  try {
    await writeFile(path, new Uint8Array(PROBE_BYTES), { mode: 0o600, flush: true });
  } finally {
    await rm(path, { force: true });
  }
}

const CODES: Readonly<Record<string, StoreErrorCode>> = { LEVEL_LOCKED: 'LOCKED', LEVEL_CORRUPTION: 'CORRUPT' };

function explain(directory: string, error: unknown): StoreError {
  if (error instanceof StoreError) {
    return error.message.includes(directory)
      ? error
      : new StoreError(error.code, `${error.message} (${directory})`, { cause: error });
  }
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : (error as Error);
  const code = CODES[(cause as NodeJS.ErrnoException).code ?? ''] ?? 'FAILED';
  const what = code === 'LOCKED' ? 'another process has it open' : cause.message;
  return new StoreError(code, `store ${directory}: ${what}`, { cause: error });
}
