/** A power cut without one: writes of a process that no sync made safe are taken back. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface PageCache {
  /** For the process that writes. */
  readonly env: Readonly<Record<string, string>>;
  /**
   * Cuts the files of a directory to what was synced. Names and renames stay: file systems keep them in the
   * order of the syncs. @returns bytes that were lost
   */
  drop(directory: string): number;
}

/** @param scratch a directory for the library and its ledger */
export function createPageCache(scratch: string): PageCache {
  const library = join(scratch, 'page-cache.so');
  const ledger = join(scratch, 'ledger');
  const source = fileURLToPath(new URL('page-cache.c', import.meta.url));
  execFileSync('cc', ['-O1', '-Wall', '-Werror', '-shared', '-fPIC', '-o', library, source, '-ldl']);
  return {
    env: { LD_PRELOAD: library, PAGE_CACHE_LEDGER: ledger },
    drop(directory) {
      const safe = new Map<number, number>();
      for (const line of readFileSync(ledger, 'utf8').split('\n')) {
        const [inode, length] = line.split(' ').map(Number);
        if (length !== undefined) safe.set(inode!, length);
      }
      let lostBytes = 0;
      for (const name of readdirSync(directory)) {
        const path = join(directory, name);
        const { ino, size } = statSync(path);
        const kept = Math.min(size, safe.get(ino) ?? 0);
        lostBytes += size - kept;
        truncateSync(path, kept);
      }
      return lostBytes;
    },
  };
}
