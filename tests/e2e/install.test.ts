/** `scripts/install`, below a directory of its own. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { run } from '../lab/process.ts';
import { scriptPath } from './lib/script.ts';

const INSTALL = scriptPath('install');

async function withRoot(act: (root: string) => Promise<void>): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'pcloud-install-'));
  try {
    await act(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

const filesOf = (root: string): string[] =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));

test('the programs, units and completion are there and work, and go away again', () =>
  withRoot(async (root) => {
    for (const round of ['new', 'again'])
      await run([], [INSTALL, '--root', root], { timeoutMs: 120_000, env: { round } });
    const version = await run([], [join(root, 'usr/bin/pcloud'), 'version', '--json']);
    assert.match(version.stdout, '"version"');
    const keys = await run([], [join(root, 'usr/bin/pcloud'), 'genkey']);
    assert.match(keys.stdout, /^\S{43}=\n$/);
    assert.ok(existsSync(join(root, 'usr/lib/pcloud/pcloud_native.node')));
    for (const unit of ['pcloud', 'pcloud-seed']) {
      const text = readFileSync(join(root, `etc/systemd/system/${unit}.service`), 'utf8');
      const [, program] = /^ExecStart=(\S+)/m.exec(text)!;
      assert.ok(existsSync(join(root, program!)), program);
    }
    const completion = readFileSync(join(root, 'usr/share/bash-completion/completions/pcloud'), 'utf8');
    assert.match(completion, 'complete ');
    await run([], [INSTALL, '--root', root, '--remove']);
    assert.equal(filesOf(root), []);
  }));

test('what it does not know is an error, and changes nothing', () =>
  withRoot(async (root) => {
    const { code, stderr } = await run([], [INSTALL, '--root', root, '--colour'], { check: false });
    assert.is(code, 2);
    assert.match(stderr, 'unknown argument "--colour"');
    assert.equal(filesOf(root), []);
  }));

test.run();
