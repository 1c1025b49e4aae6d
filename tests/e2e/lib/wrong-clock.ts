/** Processes whose wall clock is wrong (libfaketime). */
import { existsSync, readdirSync } from 'node:fs';

/** The environment of a process whose clock is off: `+10y`, `-1h`. */
export function wrongClock(offset: string): Readonly<Record<string, string>> {
  const paths = readdirSync('/usr/lib').map((directory) => `/usr/lib/${directory}/faketime/libfaketime.so.1`);
  const library = paths.find((path) => existsSync(path));
  if (library === undefined) throw new Error('libfaketime is missing: apt-get install faketime');
  return { LD_PRELOAD: library, FAKETIME: offset, DONT_FAKE_MONOTONIC: '1' };
}
