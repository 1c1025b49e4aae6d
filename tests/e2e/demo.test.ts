/** `scripts/demo` as a newcomer runs it. */
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kill as sendSignal } from 'node:process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { background, type LabProcess } from '../lab/process.ts';
import { waitFor } from '../lab/wait.ts';
import { createBarePath } from './lib/bare-path.ts';
import { createTraces, type Traces } from './lib/traces.ts';

const DEMO = fileURLToPath(new URL('../../scripts/demo', import.meta.url));
const LIMIT_MS = 120_000;

/** What `scripts/demo` itself calls before it knows that Node, a compiler and the rest are there. */
const SHELL = ['bash', 'env', 'dirname', 'realpath', 'uname', 'id', 'unshare', 'mount', 'true'];

/** A directory that is neither the repository nor in it, with a link to the script. */
function withDirectory(act: (directory: string, link: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'pcloud-demo-'));
  const link = join(directory, 'begin');
  symlinkSync(DEMO, link);
  return act(directory, link).finally(() => rmSync(directory, { recursive: true, force: true }));
}

/** Runs a line in a directory, with temporary files there, to its end. */
async function finish(directory: string, line: string, env: Readonly<Record<string, string>> = {}) {
  const process = background([], ['/bin/sh', '-c', `cd "${directory}" && exec ${line}`], {
    env: { TMPDIR: directory, ...env },
  });
  const timer = setTimeout(() => void process.stop('SIGKILL'), LIMIT_MS);
  const { code } = await process.exited;
  clearTimeout(timer);
  // What it wrote last may come behind its end.
  await new Promise((resolve) => setImmediate(resolve));
  return { code, stdout: process.stdout(), output: process.output() };
}

/** Waits for text, noting what the command has made until then. */
async function noteUntil(process: LabProcess, text: string, traces: Traces): Promise<void> {
  await waitFor(`"${text}"`, () => process.output().includes(text), LIMIT_MS, process.output);
  await waitFor('two hosts', () => traces.note() === 2, 5_000, process.output);
}

function leftFiles(directory: string): string[] {
  return readdirSync(directory).filter((name) => name.startsWith('pcloud'));
}

test('from another directory and through a link it shows a tunnel that works, and leaves nothing', () =>
  withDirectory(async (directory, link) => {
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
  withDirectory(async (directory, link) => {
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

for (const [title, programs, scripts, lines] of [
  ['a C compiler', [...SHELL, 'node', 'npm'], {}, [/missing: a C compiler +apt-get install -y build-essential/]],
  ['Node', [...SHELL, 'cc'], {}, [/missing: Node >= 20\.19 +https:/, /missing: npm +it comes with Node/]],
  [
    'a Node that is new enough',
    [...SHELL, 'cc', 'npm'],
    { node: '[ "$1" = --version ] && echo v18.20.4; exit 1' },
    [/missing: Node >= 20\.19 +this is v18\.20\.4; newer ones: https:/],
  ],
  [
    'root',
    [...SHELL.filter((name) => name !== 'id'), 'node', 'npm', 'cc'],
    { id: 'echo 1000' },
    [/missing: root +.*sudo/],
  ],
  [
    'namespaces',
    [...SHELL.filter((name) => name !== 'unshare'), 'node', 'npm', 'cc'],
    { unshare: 'exit 1' },
    [/missing: network namespaces +.*SYS_ADMIN/],
  ],
] as const) {
  test(`a machine without ${title} is told so, and how to get it`, () =>
    withDirectory(async (directory, link) => {
      const path = createBarePath(join(directory, 'bin'), programs, scripts);
      const { code, stdout, output } = await finish(directory, link, { PATH: path });
      assert.is(code, 1, output);
      assert.is(stdout, '', 'nothing is begun');
      for (const line of lines) assert.match(output, line);
      assert.match(output, /^demo: the lines above say what is missing$/m);
      assert.is(output.trim().split('\n').length, lines.length + 1, output);
    }));
}

test('a machine without /dev/net/tun is told so, and how to get it', () =>
  withDirectory(async (directory, link) => {
    const command = `unshare --mount sh -c 'mount -t tmpfs tmpfs /dev/net && exec "$0"' ${link}`;
    const { code, output } = await finish(directory, command);
    assert.is(code, 1, output);
    assert.match(output, /missing: \/dev\/net\/tun +modprobe tun/);
  }));

test('a tunnel that carries nothing is a failure with one line that says so', () =>
  withDirectory(async (directory, link) => {
    const traces = createTraces();
    const path = createBarePath(join(directory, 'bin'), [], { ping: 'exit 1' });
    const env = { ...traces.env, PATH: `${path}:${process.env.PATH}` };
    const { code, output } = await finish(directory, link, env);
    assert.is(code, 1, output);
    assert.match(output, /^demo: no handshake within 10 s$/m);
    await traces.expectNone();
  }));

test('arguments that make no sense get one line that names them', () =>
  withDirectory(async (directory, link) => {
    for (const [words, line] of [
      ['--seconds', /^demo: --seconds: expected 1 to 3600, got ""\n$/],
      ['--seconds 0', /^demo: --seconds: expected 1 to 3600, got "0"\n$/],
      ['--seconds=1.5', /^demo: --seconds: expected 1 to 3600, got "1\.5"\n$/],
      ['--second 5', /^demo: unknown argument "--second"; try "scripts\/demo --help"\n$/],
    ] as const) {
      const { code, output } = await finish(directory, `${link} ${words}`);
      assert.is(code, 2, output);
      assert.match(output, line);
    }
  }));

test('help is there before anything is installed', () =>
  withDirectory(async (directory, link) => {
    const path = createBarePath(join(directory, 'bin'), SHELL);
    const { code, stdout } = await finish(directory, `${link} --help`, { PATH: path });
    assert.is(code, 0);
    assert.match(stdout, /^usage: scripts\/demo \[--seconds N\]\n/);
  }));

test.run();
