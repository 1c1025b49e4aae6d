/** Files that only their owner may read: after a power cut there is the whole of one, or none. */
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Writes the file in place of one that is there. @throws the system's error */
export function replacePrivateFile(path: string, text: string): void {
  place(path, text, renameSync);
}

/** Writes the file unless there is one. @throws the system's error, EEXIST among them */
export function createPrivateFile(path: string, text: string): void {
  place(path, text, linkSync);
}

function place(path: string, text: string, give: (temporary: string, path: string) => void): void {
  const directory = dirname(path);
  const temporary = `${path}.${process.pid}`;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  try {
    withFile(temporary, 'w', (file) => {
      writeFileSync(file, text);
      fsyncSync(file);
    });
    give(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
  syncDirectory(directory);
}

/** Has the names in a directory on disk. */
export function syncDirectory(path: string): void {
  withFile(path, 'r', fsyncSync);
}

function withFile(path: string, flags: string, use: (file: number) => void): void {
  const file = openSync(path, flags, 0o600);
  try {
    use(file);
  } finally {
    closeSync(file);
  }
}
