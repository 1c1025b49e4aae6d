import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isOfAnotherNetwork } from '../src/mesh/names/foreign-file.ts';

/** A `/proc` as a process sees it whose network is `own` and whose machine's is `first`. */
function look(own: string, first: string | undefined, shares: boolean): boolean {
  const directory = mkdtempSync(join(tmpdir(), 'pcloud-proc-'));
  const [path, proc] = [join(directory, 'resolv.conf'), join(directory, 'proc')];
  try {
    writeFileSync(path, 'nameserver 192.0.2.53\n');
    mkdirSync(join(proc, 'self/ns'), { recursive: true });
    symlinkSync(own, join(proc, 'self/ns/net'));
    mkdirSync(join(proc, '1/ns'), { recursive: true });
    if (first !== undefined) symlinkSync(first, join(proc, '1/ns/net'));
    mkdirSync(join(proc, '1/root', directory), { recursive: true });
    const machines = join(proc, '1/root', path);
    if (shares) linkSync(path, machines);
    else writeFileSync(machines, 'nameserver 192.0.2.53\n');
    return isOfAnotherNetwork(path, proc);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test("the file is another network's in a namespace that shares the machine's files", () => {
  assert.is(look('net:[2]', 'net:[1]', true), true);
});

test('it is ours on the machine itself, and in a namespace that has a file of its own', () => {
  assert.is(look('net:[1]', 'net:[1]', true), false);
  assert.is(look('net:[2]', 'net:[1]', false), false);
});

test('it is ours where the first process cannot be looked at', () => {
  assert.is(look('net:[2]', undefined, true), false);
});

test.run();
