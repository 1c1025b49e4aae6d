/** What the scripts say on a machine that lacks something. */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createBarePath } from './lib/bare-path.ts';
import { finishLine, type ScriptName, withScript } from './lib/script.ts';

interface Lack {
  readonly title: string;
  /** What is there. */
  readonly programs: readonly string[];
  /** Programs in place of the machine's own. */
  readonly scripts: Readonly<Record<string, string>>;
  readonly lines: readonly RegExp[];
}

/** What scripts call before they know that Node, a compiler and the rest are there. */
const SHELL = ['bash', 'env', 'dirname', 'realpath', 'uname', 'id'];
const LAB_SHELL = [...SHELL, 'unshare', 'mount', 'true'];

const SCRIPTS: readonly (readonly [name: ScriptName, shell: readonly string[], usage: RegExp])[] = [
  ['start', SHELL, /^usage: scripts\/start \[OPTION\]\.\.\.\n/],
  ['demo', LAB_SHELL, /^usage: scripts\/demo \[--seconds N\]\n/],
  ['install', SHELL, /^usage: scripts\/install \[--root DIR\] \[--remove\]\n/],
];

function lacks(shell: readonly string[]): Lack[] {
  const namespaces = {
    title: 'namespaces',
    programs: [...shell.filter((name) => name !== 'unshare'), 'node', 'npm', 'cc'],
    scripts: { unshare: 'exit 1' },
    lines: [/missing: network namespaces +.*SYS_ADMIN/],
  };
  return [
    {
      title: 'a C compiler',
      programs: [...shell, 'node', 'npm'],
      scripts: {},
      lines: [/missing: a C compiler +apt-get install -y build-essential/],
    },
    {
      title: 'Node',
      programs: [...shell, 'cc'],
      scripts: {},
      lines: [/missing: Node >= 20\.19 +https:/, /missing: npm +it comes with Node/],
    },
    {
      title: 'a Node that is new enough',
      programs: [...shell, 'cc', 'npm'],
      scripts: { node: '[ "$1" = --version ] && echo v18.20.4; exit 1' },
      lines: [/missing: Node >= 20\.19 +this is v18\.20\.4; newer ones: https:/],
    },
    {
      title: 'root',
      programs: [...shell.filter((name) => name !== 'id'), 'node', 'npm', 'cc'],
      scripts: { id: 'echo 1000' },
      lines: [/missing: root +.*sudo/],
    },
    ...(shell.includes('unshare') ? [namespaces] : []),
  ];
}

for (const [name, shell, usage] of SCRIPTS) {
  for (const { title, programs, scripts, lines } of lacks(shell)) {
    test(`scripts/${name} on a machine without ${title} says so, and how to get it`, () =>
      withScript(name, async (directory, link) => {
        const path = createBarePath(join(directory, 'bin'), programs, scripts);
        const { code, stdout, output } = await finishLine(directory, link, { PATH: path });
        assert.is(code, 1, output);
        assert.is(stdout, '', 'nothing is begun');
        for (const line of lines) assert.match(output, line);
        assert.match(output, new RegExp(`^${name}: the lines above say what is missing$`, 'm'));
        assert.is(output.trim().split('\n').length, lines.length + 1, output);
      }));
  }

  test(`scripts/${name} on a machine without /dev/net/tun says so, and how to get it`, () =>
    withScript(name, async (directory, link) => {
      const command = `unshare --mount sh -c 'mount -t tmpfs tmpfs /dev/net && exec "$0"' ${link}`;
      const { code, output } = await finishLine(directory, command);
      assert.is(code, 1, output);
      assert.match(output, /missing: \/dev\/net\/tun +modprobe tun/);
    }));

  test(`scripts/${name} has help before anything is installed`, () =>
    withScript(name, async (directory, link) => {
      const path = createBarePath(join(directory, 'bin'), shell);
      const { code, stdout } = await finishLine(directory, `${link} --help`, { PATH: path });
      assert.is(code, 0);
      assert.match(stdout, usage);
    }));
}

test.run();
