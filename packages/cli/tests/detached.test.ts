import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const TOOL = fileURLToPath(new URL('detached.tool.ts', import.meta.url));
// The child's working directory is another one, so that tsx must be named by its place.
const TSX = import.meta.resolve('tsx');

function run(...args: string[]): { failure?: string; exitCode: number } {
  const words = ['-C', 'source', '--import', TSX, TOOL, ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', timeout: 30_000 });
  assert.is(status, 0, stderr);
  assert.is.not(stdout, '', 'the program ended before the child did');
  return JSON.parse(stdout);
}

test('who stops a child in the background waits for its end', () => {
  assert.equal(run(), { exitCode: 0 });
});

test('a child that fails says why', () => {
  assert.equal(run('no interface'), { failure: 'no interface', exitCode: 0 });
});

test.run();
