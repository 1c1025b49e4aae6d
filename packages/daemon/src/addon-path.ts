import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

const FILE = 'pcloud_native.node';

/** The addon beside the program that runs, where a build puts it; undefined when the program runs from source. */
export function addonBesideProgram(program: string | undefined = process.argv[1]): string | undefined {
  if (program === undefined) return undefined;
  try {
    // The program may be a link in some directory of commands.
    const path = join(dirname(realpathSync(program)), FILE);
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}
