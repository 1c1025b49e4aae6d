/** A file of the machine that others read at any moment, and that may be a link, or mounted. */
import {
  chownSync,
  closeSync,
  fchmodSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeSync,
} from 'node:fs';

/** What is at a path. Texts are a byte a character. */
export type Place =
  | { readonly kind: 'none' }
  | { readonly kind: 'file'; readonly text: string; readonly mode: number; readonly uid: number; readonly gid: number }
  /** `text`: of the file it leads to; undefined when there is none. */
  | { readonly kind: 'link'; readonly target: string; readonly text: string | undefined };

/** @throws the system's error, but for ENOENT */
export function lookAt(path: string): Place {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return { kind: 'none' };
  if (!stats.isSymbolicLink()) {
    const { mode, uid, gid } = stats;
    return { kind: 'file', text: readFileSync(path, 'latin1'), mode: mode & 0o7777, uid, gid };
  }
  return { kind: 'link', target: readlinkSync(path), text: readIfThere(path) };
}

/**
 * Has a place be as it was, or be a new one: replaced at once where that can be, so that nobody reads half of
 * it; else, as where something is mounted, written into. @throws the system's error
 */
export function putPlace(path: string, place: Place): void {
  const temporary = `${path}.pcloud.${process.pid}`;
  try {
    rmSync(temporary, { force: true });
    if (place.kind === 'link') symlinkSync(place.target, temporary);
    if (place.kind === 'file') writeNew(temporary, place);
    if (place.kind === 'none') rmSync(path, { force: true });
    else renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    const text = place.kind === 'none' ? '' : place.text;
    if (text === undefined || !statSync(path, { throwIfNoEntry: false })?.isFile()) throw error;
    writeInto(path, text);
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return undefined;
    throw error;
  }
}

function writeNew(path: string, { text, mode, uid, gid }: Extract<Place, { kind: 'file' }>): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    writeAll(file, text);
    fchmodSync(file, mode);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  if (uid !== process.getuid?.() || gid !== process.getgid?.()) chownSync(path, uid, gid);
}

function writeInto(path: string, text: string): void {
  const file = openSync(path, 'r+');
  try {
    ftruncateSync(file, writeAll(file, text));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function writeAll(file: number, text: string): number {
  const bytes = Buffer.from(text, 'latin1');
  let at = 0;
  while (at < bytes.length) at += writeSync(file, bytes, at, bytes.length - at, at);
  return at;
}
