/** The documents against the repository: what they link to and name is there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { run } from '../lab/process.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DOCUMENTS = ['README.md', ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`)].filter((path) =>
  path.endsWith('.md'),
);

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

test('every link to a file of the repository leads somewhere', () => {
  for (const document of DOCUMENTS) {
    for (const [, target] of read(document).matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)) {
      assert.ok(existsSync(join(ROOT, dirname(document), target!)), `${document}: ${target}`);
    }
  }
});

test('every path of the repository that is named is there', () => {
  for (const document of DOCUMENTS) {
    const text = read(document).replace(/^```[\s\S]*?^```/gm, '');
    for (const [, path] of text.matchAll(/`((?:packages|native|scripts|tests|bench|docs)\/[\w./-]+)`/g)) {
      assert.ok(existsSync(join(ROOT, path!)), `${document}: ${path}`);
    }
  }
});

test('every command of pcloud that is named is one', async () => {
  const { stdout } = await run([], [join(ROOT, 'dist/pcloud'), '--help']);
  for (const [, command] of read('README.md').matchAll(/\bpcloud (genkey|pubkey|genpsk|[a-z]+)(?=[`\s])/g)) {
    if (command === 'and') continue;
    assert.match(stdout, new RegExp(`^  ${command}\\b`, 'm'), `pcloud ${command}`);
  }
});

test('the scripts of the first lines print their help', async () => {
  for (const script of ['scripts/start', 'scripts/demo', 'scripts/install', 'scripts/test']) {
    assert.match((await run([], [join(ROOT, script), '--help'])).stdout, /^usage: /);
  }
});

test.run();
