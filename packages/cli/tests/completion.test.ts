import { spawnSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withRig } from './cli-rig.ts';

/** What bash offers behind these words, the last of them not typed to its end. */
function complete(script: string, words: readonly string[]): string[] {
  const line = `${script}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})
COMP_CWORD=${words.length - 1}
_pcloud
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { status, stdout, stderr } = spawnSync('bash', ['-c', line], { encoding: 'utf8' });
  assert.is(status, 0, stderr);
  return stdout.split('\n').filter((word) => word !== '');
}

test('bash completes commands, those below them, and options', () =>
  withRig(async ({ run }) => {
    const { code, out } = await run('completion bash');
    assert.is(code, 0);
    assert.equal(complete(out, ['pcloud', 'st']), ['status']);
    assert.equal(complete(out, ['pcloud', 'nodes', 're']), ['renew', 'rename', 'remove', 'revoke']);
    assert.equal(complete(out, ['pcloud', '--json', 'users', 'set']), ['set-role']);
    assert.equal(complete(out, ['pcloud', 'invite', '--re']), ['--reusable']);
    assert.equal(complete(out, ['pcloud', 'ping', 'laptop', '--tim']), ['--timeout']);
    assert.equal(complete(out, ['pcloud', 'seed', '--state']), ['--state-dir']);
  }));

test('zsh and fish are given every command', () =>
  withRig(async ({ run }) => {
    const zsh = (await run('completion zsh')).out;
    const fish = (await run('completion fish')).out;
    for (const word of ['seed', 'set-role', 'bundle']) {
      assert.match(zsh, `'${word}:`);
      assert.match(fish, `-a ${word} `);
    }
    assert.match(zsh, /^#compdef pcloud\n/);
  }));

test.run();
