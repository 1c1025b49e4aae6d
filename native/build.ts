/**
 * Builds the addon with node-gyp and without any network: `node --import tsx native/build.ts`.
 * @module
 */
import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const DIRECTORY = dirname(fileURLToPath(import.meta.url));

/** Where a build leaves the addon. */
export const ADDON_PATH: string = join(DIRECTORY, 'build', 'Release', 'pcloud_native.node');

/**
 * The prefix that holds this Node's headers, `include/node/node_api.h` below it.
 * @throws Error that says what to install, in one line
 */
export function findHeaders(): string {
  const prefixes = [
    dirname(dirname(process.execPath)),
    dirname(dirname(realpathSync(process.execPath))),
    '/usr',
    '/usr/local',
  ];
  const found = prefixes.find(
    (prefix) =>
      existsSync(join(prefix, 'include/node/node_api.h')) && existsSync(join(prefix, 'include/node/common.gypi')),
  );
  if (found !== undefined) return found;
  throw new Error(
    `Node's headers (include/node/node_api.h) are neither beside ${process.execPath} nor in /usr or /usr/local: ` +
      'install the package libnode-dev (Debian), or a Node from nodejs.org, which carries them',
  );
}

/** The node-gyp of this repository, or npm's own copy. */
function findNodeGyp(): string {
  const require = createRequire(import.meta.url);
  try {
    return require.resolve('node-gyp/bin/node-gyp.js');
  } catch {
    const places = ['lib/node_modules/npm', 'share/nodejs/npm', 'share/npm'];
    const prefixes = [dirname(dirname(process.execPath)), '/usr', '/usr/local'];
    for (const prefix of prefixes) {
      for (const place of places) {
        const path = join(prefix, place, 'node_modules/node-gyp/bin/node-gyp.js');
        if (existsSync(path)) return path;
      }
    }
    throw new Error('node-gyp is missing: run npm ci in the top folder');
  }
}

/**
 * Builds the addon for the Node that runs this.
 * @returns the path of the addon
 * @throws Error with what to do in one line
 */
export function buildNative(options: { readonly quiet?: boolean } = {}): string {
  const args = [findNodeGyp(), 'rebuild', `--nodedir=${findHeaders()}`, '--release'];
  const result = spawnSync(process.execPath, args, {
    cwd: DIRECTORY,
    encoding: 'utf8',
    stdio: options.quiet === true ? 'pipe' : 'inherit',
  });
  if (result.status === 0 && existsSync(ADDON_PATH)) return ADDON_PATH;
  const detail = options.quiet === true ? `\n${result.stdout}\n${result.stderr}` : ' (see above)';
  throw new Error(
    `the addon did not build: it needs python3, make and a C compiler (Debian: python3 build-essential)${detail}`,
  );
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  try {
    console.log(buildNative());
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
