/**
 * Builds `dist/`: the two commands, each one file with all it needs, and the native addon beside them.
 *
 *     npm run build                      everything
 *     npm run build -- --without-addon   for a machine with no C compiler: slower, same protocol
 */
import { chmodSync, copyFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DIST = join(ROOT, 'dist');
const ADDON = join(DIST, 'pcloud_native.node');
const COMMANDS = ['pcloud', 'pcloud-wg'] as const;
const WITHOUT_ADDON = '--without-addon';

/** CommonJS has no `import.meta`. The real path, so that a command called through a link finds the addon. */
const PROLOGUE = `#!/usr/bin/env node
const __moduleUrl = require('node:url').pathToFileURL(require('node:fs').realpathSync(__filename)).href;`;

await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<void> {
  const unknown = argv.find((argument) => argument !== WITHOUT_ADDON);
  if (unknown !== undefined) {
    console.error(`build: unknown argument ${unknown}; the only one is ${WITHOUT_ADDON}`);
    process.exit(2);
  }
  mkdirSync(DIST, { recursive: true });
  if (argv.includes(WITHOUT_ADDON)) rmSync(ADDON, { force: true });
  else await addAddon();
  writeFileSync(join(DIST, 'package.json'), '{ "type": "commonjs" }\n');
  await Promise.all(COMMANDS.map(bundle));
}

async function addAddon(): Promise<void> {
  try {
    const { buildNative } = await import('../native/build.ts');
    const built = await buildNative();
    // Renamed into place: writing into a file that a running process has mapped would crash it.
    copyFileSync(built, `${ADDON}.new`);
    renameSync(`${ADDON}.new`, ADDON);
  } catch (error) {
    console.error(error);
    console.error(`build: the native addon did not build (see above). \`npm run build -- ${WITHOUT_ADDON}\` goes on`);
    console.error('       without it: the tunnel then works at a fraction of its speed.');
    process.exit(1);
  }
}

async function bundle(command: string): Promise<void> {
  const outfile = join(DIST, command);
  await build({
    entryPoints: [join(ROOT, 'packages/cli/src', `${command}.ts`)],
    outfile: `${outfile}.new`,
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'cjs',
    conditions: ['source'],
    define: { 'import.meta.url': '__moduleUrl' },
    banner: { js: PROLOGUE },
    keepNames: true,
    legalComments: 'inline',
    logLevel: 'warning',
    absWorkingDir: ROOT,
  });
  chmodSync(`${outfile}.new`, 0o755);
  renameSync(`${outfile}.new`, outfile);
}
