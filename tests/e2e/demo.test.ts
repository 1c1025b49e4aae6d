/** `scripts/demo` as a newcomer runs it. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { kill as sendSignal } from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { background, type LabProcess } from '../lab/process.ts';
import { waitFor } from '../lab/wait.ts';
import { createBarePath } from './lib/bare-path.ts';
import { finishLine, SCRIPT_LIMIT_MS, withScript } from './lib/script.ts';
import { createTraces, type Traces } from './lib/traces.ts';

/** Waits for text, noting what the command has made until then. */
async function noteUntil(process: LabProcess, text: string, traces: Traces): Promise<void> {
  await waitFor(`"${text}"`, () => process.output().includes(text), SCRIPT_LIMIT_MS, process.output);
  await waitFor('two hosts', () => traces.note() === 2, 5_000, process.output);
}

function leftFiles(directory: string): string[] {
  return readdirSync(directory).filter((name) => name.startsWith('pcloud'));
}

test('from another directory and through a link it shows a tunnel that works, and leaves nothing', () =>
  withScript('demo', async (directory, link) => {
    const traces = createTraces();
    const process = background([], ['/bin/sh', '-c', `cd "${directory}" && exec ./begin --seconds 1`], {
      env: { TMPDIR: directory, ...traces.env },
    });
    await noteUntil(process, 'iperf3 through the tunnel', traces);
    const { code } = await process.exited;
    const output = process.output();
    assert.is(code, 0, `${link}\n${output}`);
    assert.match(output, /rpi111.*rpi112/);
    assert.match(output, /the handshake is complete/);
    assert.match(output, /20 of 20 answered, the median after [\d.]+ ms/);
    for (const load of ['TCP, one flow', 'TCP, eight flows', 'UDP at 200 Mb/s']) {
      assert.match(output, new RegExp(`^  ${load} +[\\d.]+ [GM]b/s +[\\d.]+ `, 'm'));
    }
    assert.match(output, /^ {4}Connected\.$/m);
    assert.match(output, /What to try next/);
    await traces.expectNone();
    assert.equal(leftFiles(directory), []);
  }));

test('an interrupt in the middle of it ends it and leaves nothing', () =>
  withScript('demo', async (directory, link) => {
    const traces = createTraces();
    // A session of its own is a process group of its own: the signal goes to all of it, as from a terminal.
    const process = background([], ['setsid', '--wait', link, '--seconds', '60'], {
      env: { TMPDIR: directory, ...traces.env },
    });
    await noteUntil(process, 'iperf3 through the tunnel', traces);
    sendSignal(-(await process.pid()), 'SIGINT');
    const { code } = await process.exited;
    assert.is(code, 130, process.output());
    assert.match(process.output(), /demo: ended by SIGINT/);
    await traces.expectNone();
    assert.equal(leftFiles(directory), []);
  }));

test('a tunnel that carries nothing is a failure with one line that says so', () =>
  withScript('demo', async (directory, link) => {
    const traces = createTraces();
    const path = createBarePath(join(directory, 'bin'), [], { ping: 'exit 1' });
    const env = { ...traces.env, PATH: `${path}:${process.env.PATH}` };
    const { code, output } = await finishLine(directory, link, env);
    assert.is(code, 1, output);
    assert.match(output, /^demo: no handshake within 10 s$/m);
    await traces.expectNone();
  }));

test('arguments that make no sense get one line that names them', () =>
  withScript('demo', async (directory, link) => {
    for (const [words, line] of [
      ['--seconds', /^demo: --seconds: expected 1 to 3600, got ""\n$/],
      ['--seconds 0', /^demo: --seconds: expected 1 to 3600, got "0"\n$/],
      ['--seconds=1.5', /^demo: --seconds: expected 1 to 3600, got "1\.5"\n$/],
      ['--second 5', /^demo: unknown argument "--second"; try "scripts\/demo --help"\n$/],
    ] as const) {
      const { code, output } = await finishLine(directory, `${link} ${words}`);
      assert.is(code, 2, output);
      assert.match(output, line);
    }
  }));

test.run();
