import type { Command } from 'commander';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createProgram } from '../src/program.ts';
import { createSystemContext } from '../src/system-context.ts';
import { withRig } from './cli-rig.ts';

function commandsOf(command: Command, path: readonly string[] = []): string[][] {
  return command.commands.flatMap((each) => {
    const own = [...path, each.name()];
    return [own, ...commandsOf(each, own)];
  });
}

const ALL = commandsOf(createProgram(createSystemContext()));

test('every command there is promised is there', () => {
  const names = new Set(ALL.map((path) => path.join(' ')));
  for (const name of [
    ...['seed', 'up', 'down', 'login', 'logout', 'status', 'ping', 'ip', 'whois', 'invite', 'wait', 'version'],
    ...['nodes list', 'nodes rename', 'nodes adopt', 'nodes remove', 'tokens list', 'tokens revoke'],
    ...['audit list', 'audit export', 'admin backup', 'admin restore'],
    ...['debug bundle', 'debug counters'],
    ...['recovery take', 'recovery confirm', 'recovery status'],
    ...['users list', 'users add', 'users remove', 'users set-role', 'users disable', 'users enable', 'users invite'],
    ...['daemon', 'coordinator', 'configtest', 'genkey', 'pubkey', 'genpsk', 'completion'],
  ]) {
    assert.ok(names.has(name), name);
  }
});

test('every help fits 80 columns but for its examples, and names --json and where settings come from', () =>
  withRig(async ({ run }) => {
    for (const path of ALL) {
      const { out } = await run([...path, '--help']);
      assert.match(out, /--json/, path.join(' '));
      assert.match(out, /--state-dir <DIR>/);
      for (const line of out.split('\nGlobal Options:')[0]!.split('\n')) assert.ok(line.length <= 80, line);
    }
  }));

test('every command of the first rank has an example', () =>
  withRig(async ({ run }) => {
    const plain = new Set(['genkey', 'pubkey', 'genpsk', 'version', 'debug']);
    for (const [name, more] of ALL) {
      if (more !== undefined || plain.has(name!)) continue;
      assert.match((await run(['help', name!])).out, new RegExp(`Examples:[\\s\\S]*pcloud ${name}`), name);
    }
  }));

test.run();
