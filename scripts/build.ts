/**
 * Builds `dist/`: the two commands, each one file with all it needs, and beside them what is not JavaScript: the
 * native addon, and the prebuilt halves of the embedded store in `prebuilds/`.
 *
 *     npm run build                      everything
 *     npm run build -- --without-addon   for a machine with no C compiler: slower, same protocol
 *     npm run build -- --out DIR         elsewhere than in dist/
 */
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const COMMANDS = ['pcloud', 'pcloud-wg'] as const;
const WITHOUT_ADDON = '--without-addon';

/** CommonJS has no `import.meta`. The real path, so that a command called through a link finds the addon. */
const PROLOGUE = `#!/usr/bin/env node
const __moduleUrl = require('node:url').pathToFileURL(require('node:fs').realpathSync(__filename)).href;`;

await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<void> {
  const { out, hasAddon } = readArguments(argv);
  mkdirSync(out, { recursive: true });
  const addon = join(out, 'pcloud_native.node');
  if (hasAddon) await addAddon(addon);
  else rmSync(addon, { force: true });
  addPrebuilds(out);
  writeFileSync(join(out, 'package.json'), '{ "type": "commonjs" }\n');
  await Promise.all(COMMANDS.map((command) => bundle(command, out)));
}

function readArguments(argv: readonly string[]): { out: string; hasAddon: boolean } {
  try {
    const options = { 'without-addon': { type: 'boolean' }, out: { type: 'string' } } as const;
    const { values } = parseArgs({ args: [...argv], options });
    return { out: resolve(ROOT, values.out ?? 'dist'), hasAddon: values['without-addon'] !== true };
  } catch (error) {
    console.error(`build: ${(error as Error).message}; there are ${WITHOUT_ADDON} and --out DIR`);
    process.exit(2);
  }
}

/** `level` looks for them beside the program. */
function addPrebuilds(out: string): void {
  // From where it is a dependency of: npm may put it anywhere above.
  const level = createRequire(join(ROOT, 'packages/coordinator/package.json')).resolve('level');
  const source = join(dirname(createRequire(level).resolve('classic-level/package.json')), 'prebuilds');
  for (const name of readdirSync(source).filter((each) => each.startsWith('linux-'))) {
    const goal = join(out, 'prebuilds', name);
    for (const file of readdirSync(join(source, name))) {
      mkdirSync(goal, { recursive: true });
      place(join(goal, file), (draft) => cpSync(join(source, name, file), draft));
    }
  }
}

/** Renamed into place: writing into a file that a running process has mapped would crash it. */
function place(path: string, write: (draft: string) => void): void {
  write(`${path}.new`);
  renameSync(`${path}.new`, path);
}

async function addAddon(path: string): Promise<void> {
  try {
    const { buildNative } = await import('../native/build.ts');
    const built = await buildNative();
    place(path, (draft) => copyFileSync(built, draft));
  } catch (error) {
    console.error(error);
    console.error(`build: the native addon did not build (see above). \`npm run build -- ${WITHOUT_ADDON}\` goes on`);
    console.error('       without it: the tunnel then works at a fraction of its speed.');
    process.exit(1);
  }
}

async function bundle(command: string, out: string): Promise<void> {
  const outfile = join(out, command);
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
    // What a program is made of stays in memory, whole. Names stay, and lines short enough for a stack trace.
    minifyWhitespace: true,
    lineLimit: 160,
    keepNames: true,
    legalComments: 'inline',
    logLevel: 'warning',
    absWorkingDir: ROOT,
  });
  refuseWideCharacters(`${outfile}.new`);
  chmodSync(`${outfile}.new`, 0o755);
  renameSync(`${outfile}.new`, outfile);
}

/** One character beyond Latin-1 has V8 keep two bytes for each of all of them. esbuild leaves those in `html` texts. */
function refuseWideCharacters(path: string): void {
  const text = readFileSync(path, 'utf8');
  const at = text.search(/[\u0100-\uffff]/);
  if (at < 0) return;
  throw new Error(
    `build: a character beyond Latin-1, write it as an escape: ${text.slice(Math.max(0, at - 60), at + 60)}`,
  );
}
